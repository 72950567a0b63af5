#include "verifyctl/address_verbs.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "boost/asio/awaitable.hpp"
#include "boost/json.hpp"
#include "verifyctl/answer.h"
#include "verifyctl/colour.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/input_text.h"
#include "verifyctl/progress.h"
#include "verifyctl/report_verbs.h"
#include "verifyctl/result_text.h"
#include "verifyd/history/refusal_book.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_record.h"
#include "verifyd/json/shown_verdict.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// Bytes of addresses that are sent together.
constexpr size_t kSentTogether = size_t{16} * 1024;
constexpr size_t kRefusalIdSize = 8;

std::vector<std::string> Collected(const AddressOptions& options, Console& console) {
  std::vector<std::string> addresses;
  for (const std::string& given : options.addresses) {
    if (given != "-") {
      addresses.push_back(given);
      continue;
    }
    for (std::string line; std::getline(console.in, line);) {
      absl::StripAsciiWhitespace(&line);
      if (!line.empty() && line[0] != '#') addresses.push_back(std::move(line));
    }
  }
  return addresses;
}

// Reads `in` as it comes: whole lines, as many as are there.
LineSource LinesOf(std::istream& in) {
  return [&in]() -> boost::asio::awaitable<std::optional<std::string>> {
    std::string lines;
    std::string line;
    while (lines.size() < kSentTogether && std::getline(in, line)) {
      absl::StrAppend(&lines, line, "\n");
      if (in.rdbuf()->in_avail() <= 0) break;  // the next one may be long in coming
    }
    if (lines.empty()) co_return std::nullopt;
    co_return lines;
  };
}

std::string PercentEncoded(absl::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_') {
      encoded.push_back(c);
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

int NoAddress(Console& console) {
  console.err << "verifyctl: no address given\n";
  return kExitUsage;
}

// Returns the arguments as a query string, for a request whose body has the addresses.
std::string QueryOf(const json::object& arguments) {
  std::string query;
  for (const auto& argument : arguments) {
    const json::string* const text = argument.value().if_string();
    const absl::string_view name(argument.key().data(), argument.key().size());
    const std::string value = text != nullptr ? std::string(*text) : json::serialize(argument.value());
    absl::StrAppend(&query, query.empty() ? "?" : "&", name, "=", PercentEncoded(value));
  }
  return query;
}

// Asks about the addresses that were given, and about those that are read; shows each result as it comes.
int AskAbout(const AddressOptions& options, const std::string& path, const json::object& arguments, Asker& asker,
             Console& console) {
  int exit_code = kExitDeliverable;
  uint64_t shown = 0;
  const bool reads = absl::c_linear_search(options.addresses, "-");
  Progress progress(console, "addresses", reads ? 0 : options.addresses.size());
  const auto show = [&](absl::string_view line, const json::object& answer) {
    progress.Wipe();
    ++shown;
    const auto result = FromJson<ShownVerdict>(answer);
    exit_code = Worse(exit_code, ExitCodeOf(result));
    console.out << (options.json          ? absl::StrCat(line, "\n")
                    : console.out_colours ? Coloured(ResultText(result), result.status)
                                          : ResultText(result));
    progress.Show(shown);
  };
  ApiRequest request;
  request.method = "POST";
  json::array given;
  for (const std::string& address : options.addresses) {
    if (address != "-") given.emplace_back(address);
  }
  if (!given.empty()) {
    json::object with_addresses = arguments;
    with_addresses["addresses"] = std::move(given);
    request.target = path;
    request.body = json::serialize(with_addresses);
    if (const int code = Answer(asker, request, console, show); code != 0) return code;
  }
  if (reads) {
    if (const absl::Status begun = BeginText(console.in, "-", path.substr(path.rfind('/') + 1)); !begun.ok()) {
      console.err << "verifyctl: " << begun.message() << "\n";
      return ExitCodeOfInput(begun);
    }
    request.target = absl::StrCat(path, QueryOf(arguments));
    request.lines = LinesOf(console.in);
    if (const int code = Answer(asker, request, console, show); code != 0) return code;
  }
  return shown > 0 ? exit_code : NoAddress(console);
}

// Makes one call an address. An answer that there is nothing is a result, too.
int AskAboutEach(const AddressOptions& options, absl::string_view verb, Asker& asker, Console& console,
                 std::string (*words)(const json::object&, absl::Time now)) {
  if (absl::c_linear_search(options.addresses, "-")) {
    if (const absl::Status begun = BeginText(console.in, "-", verb); !begun.ok()) {
      console.err << "verifyctl: " << begun.message() << "\n";
      return ExitCodeOfInput(begun);
    }
  }
  const std::vector<std::string> addresses = Collected(options, console);
  if (addresses.empty()) return NoAddress(console);
  int exit_code = 0;
  for (const std::string& address : addresses) {
    ApiRequest request;
    request.method = verb == "delete" ? "DELETE" : "GET";
    request.target = absl::StrCat("/v1/record?address=", PercentEncoded(address));
    const int code = Answer(asker, request, console, [&](absl::string_view line, const json::object& answer) {
      const std::optional<ShownVerdict> verdict = FromJson<ShownHeld>(answer).verdict;
      if (verdict.has_value() && ExitCodeOf(*verdict) == kExitNotCached) exit_code = Worse(exit_code, kExitNotCached);
      console.out << (options.json ? absl::StrCat(line, "\n") : words(answer, console.clock.Now()));
    });
    if (code != 0 && code != kExitNotCached && code != kExitBadAddress) return code;
    exit_code = Worse(exit_code, code);
  }
  return exit_code;
}

// True for a mistyped id, too: it has the length and the characters, and is no address.
bool LooksLikeRefusalId(absl::string_view text) {
  return text.size() == kRefusalIdSize && absl::c_all_of(text, [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
                  !absl::ascii_islower(static_cast<unsigned char>(c));
         });
}

std::string DeletedText(const ShownDeletion& deletion, absl::Time /*now*/) {
  std::string out = absl::StrCat(SpelledAddress(deletion.address), ": deleted");
  absl::string_view between = " ";
  for (const absl::string_view what : deletion.deleted) {
    absl::StrAppend(&out, std::exchange(between, ", "),
                    what == "domain" ? "what was held of its domain" : "its record");
  }
  between = ", also as ";
  for (const absl::string_view spelling : deletion.spellings.value) {
    absl::StrAppend(&out, std::exchange(between, ", "), SpelledAddress(spelling));
  }
  return absl::StrCat(out, "\n");
}

// The words for an answer that is a `T`.
template <typename T, std::string (*words)(const T&, absl::Time now)>
std::string Worded(const json::object& answer, absl::Time now) {
  return words(FromJson<T>(answer), now);
}

}  // namespace

int Verify(const AddressOptions& options, Asker& asker, Console& console) {
  json::object arguments;
  arguments["fresh"] = options.fresh || options.trace;
  arguments["trace"] = options.trace;
  if (options.sender) arguments["role"] = "sender";
  if (!options.patience.empty()) arguments["patience"] = options.patience;
  return AskAbout(options, "/v1/verify", arguments, asker, console);
}

int Query(const AddressOptions& options, Asker& asker, Console& console) {
  return AskAbout(options, "/v1/query", json::object(), asker, console);
}

int Show(const AddressOptions& options, Asker& asker, Console& console) {
  if (options.addresses.size() == 1 && IsRefusalId(options.addresses[0])) {
    return ShowRefusal(options.addresses[0], options.json, asker, console);
  }
  if (options.addresses.size() == 1 && LooksLikeRefusalId(options.addresses[0])) {
    console.err << "verifyctl: no refusal with the id " << options.addresses[0] << " is remembered\n";
    return kExitNotCached;
  }
  return AskAboutEach(options, "show", asker, console, Worded<ShownHeld, HeldText>);
}

int History(const AddressOptions& options, Asker& asker, Console& console) {
  return AskAboutEach(options, "history", asker, console, Worded<ShownHeld, HistoryText>);
}

int Delete(const AddressOptions& options, Asker& asker, Console& console) {
  return AskAboutEach(options, "delete", asker, console, Worded<ShownDeletion, DeletedText>);
}

}  // namespace verifyd
