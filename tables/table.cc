#include "tables/table.h"

#include <sys/stat.h>

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "tables/table_text.h"

namespace verifyd {
namespace {

constexpr absl::string_view kTextTypes[] = {"texthash", "hash", "btree", "lmdb", "cdb", "dbm"};

// Returns the end of the key: the first white space outside double quotes.
size_t KeyEnd(absl::string_view line) {
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && absl::ascii_isspace(line[i])) {
      return i;
    }
  }
  return line.size();
}

absl::Status BadSpec(absl::string_view spec) {
  return absl::InvalidArgumentError(absl::StrCat("table \"", Printable(spec, 200),
                                                 "\": expected texthash:/PATH, hash:, btree: or lmdb:/PATH, inline:{ "
                                                 "{KEY = VALUE} ... }, socketmap:unix:PATH:NAME, "
                                                 "socketmap:inet:HOST:PORT:NAME, or, for any other type, "
                                                 "proxy:TYPE:NAME, which Postfix's proxymap(8) looks up"));
}

// Postfix uses the compiled file, but we read its source.
void WarnIfCompiledIsOlder(absl::string_view type, const std::string& path) {
  if (type == "texthash") return;
  const std::string compiled = absl::StrCat(path, type == "lmdb" ? ".lmdb" : type == "cdb" ? ".cdb" : ".db");
  struct stat source {};
  struct stat made {};
  if (::stat(path.c_str(), &source) != 0 || ::stat(compiled.c_str(), &made) != 0) return;
  if (made.st_mtime >= source.st_mtime) return;
  LogWarning(absl::StrCat(compiled, " is older than ", path,
                          ", whose text is what is read here: until postmap(1) has run Postfix goes by what it was"));
}

// As DICT_FLAG_PATTERN in Postfix. A table made of several has patterns if one of them does.
bool HasPatterns(absl::string_view name) {
  constexpr absl::string_view kPatternTypes[] = {"cidr", "pcre", "randmap", "regexp", "socketmap", "tcp"};
  const size_t colon = name.find(':');
  if (colon == absl::string_view::npos) return false;
  const absl::string_view type = name.substr(0, colon);
  if (type != "unionmap" && type != "pipemap") return absl::c_linear_search(kPatternTypes, type);
  for (const absl::string_view part :
       absl::StrSplit(name.substr(colon + 1), absl::ByAnyChar("{}, \t"), absl::SkipEmpty())) {
    if (HasPatterns(part)) return true;
  }
  return false;
}

absl::Status AcceptAll(absl::string_view /*value*/) { return absl::OkStatus(); }

}  // namespace

bool Table::takes_whole_keys_only() const {
  if (!remote_.has_value()) return false;
  if (const auto* proxied = std::get_if<ProxiedTable>(&*remote_); proxied != nullptr) return HasPatterns(proxied->name);
  return std::holds_alternative<SocketmapPlace>(*remote_);
}

bool Table::IsTextType(absl::string_view type) { return absl::c_linear_search(kTextTypes, type); }

absl::StatusOr<std::shared_ptr<const Table>> Table::Load(absl::string_view spec) { return Load(spec, AcceptAll); }

absl::StatusOr<std::shared_ptr<const Table>> Table::Load(absl::string_view spec, Check check) {
  absl::string_view rest = spec;
  const bool proxied = absl::ConsumePrefix(&rest, "proxy:");
  const size_t colon = rest.find(':');
  if (colon == 0 || colon == absl::string_view::npos || colon + 1 == rest.size()) return BadSpec(spec);
  absl::StatusOr<std::shared_ptr<Table>> table = LoadLocal(spec, rest, check);
  // Postfix may be able to read a table that we can not.
  const bool beyond_us = absl::IsUnimplemented(table.status()) || absl::IsNotFound(table.status());
  if (proxied && beyond_us) table = MakeProxied(rest);
  if (absl::IsUnimplemented(table.status())) return BadSpec(spec);
  if (!table.ok()) return table.status();
  (*table)->spec_ = std::string(spec);
  return *std::move(table);
}

// Unimplemented: this type is none of ours. NotFound: the text can not be opened.
absl::StatusOr<std::shared_ptr<Table>> Table::LoadLocal(absl::string_view spec, absl::string_view rest, Check check) {
  const size_t colon = rest.find(':');
  const absl::string_view type = rest.substr(0, colon);
  const absl::string_view argument = rest.substr(colon + 1);
  if (type == "inline") return ParseInline(argument, check);
  if (type == "socketmap") return MakeSocketmap(spec, argument);
  if (!IsTextType(type)) return absl::UnimplementedError("");
  return LoadText(type, argument, check);
}

std::shared_ptr<Table> Table::MakeProxied(absl::string_view name) {
  auto table = std::make_shared<Table>();
  table->remote_ = ProxiedTable{.name = std::string(name)};
  return table;
}

std::shared_ptr<const Table> Table::Broken(absl::string_view spec, absl::Status why) {
  auto table = std::make_shared<Table>();
  table->spec_ = std::string(spec);
  table->remote_ = BrokenTable{.why = std::move(why)};
  return table;
}

absl::StatusOr<std::shared_ptr<Table>> Table::LoadText(absl::string_view type, absl::string_view path, Check check) {
  ASSIGN_OR_RETURN(const std::string text, ReadTableText(path));
  WarnIfCompiledIsOlder(type, std::string(path));
  return ParseText(path, text, check);
}

absl::StatusOr<std::shared_ptr<const Table>> Table::Parse(absl::string_view file_name, absl::string_view text,
                                                          Check check) {
  return ParseText(file_name, text, check);
}

absl::StatusOr<std::shared_ptr<Table>> Table::ParseText(absl::string_view file_name, absl::string_view text,
                                                        Check check) {
  auto table = std::make_shared<Table>();
  table->keys_.Reserve(static_cast<size_t>(absl::c_count(text, '\n')) + 1);
  RETURN_IF_ERROR(ForEachLogicalLine(file_name, text, [&](absl::string_view line, int number) -> absl::Status {
    const size_t key_end = KeyEnd(line);
    const absl::string_view key = line.substr(0, key_end);
    ASSIGN_OR_RETURN(const bool added, table->Add(key, absl::StripAsciiWhitespace(line.substr(key_end)), check));
    if (!added) {
      LogWarning(absl::StrCat(file_name, ":", number, ": duplicate entry \"", Printable(key, 100), "\""));
    }
    return absl::OkStatus();
  }));
  table->ShrinkToFit();
  return table;
}

absl::StatusOr<std::shared_ptr<Table>> Table::ParseInline(absl::string_view text, Check check) {
  auto table = std::make_shared<Table>();
  absl::string_view inside = absl::StripAsciiWhitespace(text);
  if (!absl::ConsumePrefix(&inside, "{") || !absl::ConsumeSuffix(&inside, "}")) {
    return BadSpec(absl::StrCat("inline:", text));
  }
  // Without braces of their own, entries are separated by commas, and white space may stand around "=".
  std::vector<absl::string_view> entries;
  if (absl::StrContains(inside, "{")) {
    entries = SplitList(inside);
  } else {
    entries = absl::StrSplit(inside, ',', absl::SkipWhitespace());
  }
  for (absl::string_view entry : entries) {
    entry = absl::StripAsciiWhitespace(entry);
    if (absl::ConsumePrefix(&entry, "{")) absl::ConsumeSuffix(&entry, "}");
    const size_t equals = entry.find('=');
    const absl::string_view key = absl::StripAsciiWhitespace(entry.substr(0, equals));
    if (equals == absl::string_view::npos || key.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("inline table: found \"", Printable(entry, 100), "\", expected KEY = VALUE"));
    }
    const absl::string_view value = absl::StripAsciiWhitespace(entry.substr(equals + 1));
    if (const absl::StatusOr<bool> added = table->Add(key, value, check); !added.ok()) {
      return absl::Status(added.status().code(), absl::StrCat("inline table: ", added.status().message()));
    }
  }
  return table;
}

absl::StatusOr<std::shared_ptr<Table>> Table::MakeSocketmap(absl::string_view spec, absl::string_view place) {
  SocketmapPlace remote;
  const size_t last = place.rfind(':');
  if (last == absl::string_view::npos || last + 1 == place.size()) return BadSpec(spec);
  remote.map = std::string(place.substr(last + 1));
  absl::string_view socket = place.substr(0, last);
  if (absl::ConsumePrefix(&socket, "unix:")) {
    if (!absl::StartsWith(socket, "/")) return BadSpec(spec);
    remote.path = std::string(socket);
  } else if (absl::ConsumePrefix(&socket, "inet:")) {
    const size_t colon = socket.rfind(':');
    uint32_t port = 0;
    if (colon == absl::string_view::npos || !absl::SimpleAtoi(socket.substr(colon + 1), &port) || port == 0 ||
        port > 65535) {
      return BadSpec(spec);
    }
    absl::string_view host = socket.substr(0, colon);
    if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
    remote.host = host == "localhost" ? "127.0.0.1" : std::string(host);
    remote.port = static_cast<uint16_t>(port);
  } else {
    return BadSpec(spec);
  }
  auto table = std::make_shared<Table>();
  table->remote_ = std::move(remote);
  return table;
}

absl::StatusOr<bool> Table::Add(absl::string_view key, absl::string_view value, Check check) {
  const auto [number, is_new] = values_.Add(value);
  if (is_new) RETURN_IF_ERROR(check(value));
  const bool added = keys_.Add(absl::AsciiStrToLower(key)).second;
  if (added) value_of_.push_back(number);
  return added;
}

void Table::ShrinkToFit() {
  keys_.ShrinkToFit();
  values_.ShrinkToFit();
  value_of_.shrink_to_fit();
}

std::optional<uint32_t> Table::FindNumber(absl::string_view folded_key) const {
  const std::optional<uint32_t> found = keys_.Find(folded_key);
  if (!found.has_value()) return std::nullopt;
  return value_of_[*found];
}

std::optional<absl::string_view> Table::Find(absl::string_view key) const {
  const std::optional<uint32_t> number = FindNumber(absl::AsciiStrToLower(key));
  if (!number.has_value()) return std::nullopt;
  return values_[*number];
}

void Table::ForEach(absl::FunctionRef<void(absl::string_view key, absl::string_view value)> visit) const {
  for (uint32_t i = 0; i < keys_.size(); ++i) visit(keys_[i], values_[value_of_[i]]);
}

std::vector<std::string> Table::Keys() const {
  std::vector<std::string> keys;
  keys.reserve(keys_.size());
  for (uint32_t i = 0; i < keys_.size(); ++i) keys.emplace_back(keys_[i]);
  return keys;
}

}  // namespace verifyd
