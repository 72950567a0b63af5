#include "verifyd/restriction/access_table.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/network.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "tables/table_text.h"

namespace verifyd {
namespace {

// Postfix's recipient_delimiter; it is not configurable here.
constexpr char kExtension = '+';
constexpr absl::string_view kNullSenderKey = "<>";

absl::Status Unexpected(absl::string_view spec, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("table \"", Printable(spec, 200), "\": expected ", expected));
}

// Returns the user part without its extension. One that begins with the delimiter has none, as in Postfix.
absl::string_view WithoutExtension(absl::string_view user) {
  const size_t delimiter = user.find(kExtension);
  return delimiter == 0 ? user : user.substr(0, delimiter);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const AccessTable>> AccessTable::Load(absl::string_view spec, Compile compile) {
  auto table = std::make_shared<AccessTable>();
  table->spec_ = std::string(spec);
  const auto check = [&](absl::string_view value) -> absl::Status {
    ASSIGN_OR_RETURN(Value compiled, compile(value));
    table->values_.push_back(std::move(compiled));
    return absl::OkStatus();
  };
  absl::string_view rest = spec;
  absl::ConsumePrefix(&rest, "proxy:");
  if (absl::ConsumePrefix(&rest, "cidr:")) {
    RETURN_IF_ERROR(table->LoadNetworks(rest, check));
  } else if (absl::ConsumePrefix(&rest, "re2:")) {
    RETURN_IF_ERROR(table->LoadPatterns(rest, check, compile));
  } else {
    RETURN_IF_ERROR(table->LoadList(spec, check));
  }
  table->values_.shrink_to_fit();
  return std::shared_ptr<const AccessTable>(std::move(table));
}

absl::Status AccessTable::LoadList(absl::string_view spec, Table::Check check) {
  if (absl::StartsWith(spec, "pcre:") || absl::StartsWith(spec, "regexp:")) {
    return Unexpected(spec, "re2:/PATH, whose patterns are written as those of pcre_table(5)");
  }
  ASSIGN_OR_RETURN(list_, Table::Load(spec, check));
  if (list_->remote().has_value()) return Unexpected(spec, "a table that can be read whole");
  return absl::OkStatus();
}

absl::Status AccessTable::LoadNetworks(absl::string_view path, NetworkTable::Check check) {
  if (!absl::StartsWith(path, "/")) return Unexpected(spec_, "cidr:/PATH");
  ASSIGN_OR_RETURN(const std::string text, ReadTableText(path));
  ASSIGN_OR_RETURN(networks_, NetworkTable::Parse(path, text, check));
  return absl::OkStatus();
}

absl::Status AccessTable::LoadPatterns(absl::string_view path, PatternTable::Check check, Compile compile) {
  if (!absl::StartsWith(path, "/")) return Unexpected(spec_, "re2:/PATH");
  ASSIGN_OR_RETURN(const std::string text, ReadTableText(path));
  ASSIGN_OR_RETURN(patterns_, PatternTable::Parse(path, text, check));
  compile_ = std::move(compile);
  return absl::OkStatus();
}

AccessTable::Value AccessTable::FindClient(absl::string_view name, absl::string_view address) const {
  if (!name.empty()) {
    if (Value found = FindDomain(name)) return found;
  }
  if (list_ == nullptr) return FindWhole(address);
  return FindAddressAndNetworks(absl::AsciiStrToLower(address));
}

AccessTable::Value AccessTable::FindDomain(absl::string_view domain) const {
  if (list_ == nullptr) return FindWhole(domain);
  return FindNameAndParents(absl::AsciiStrToLower(domain));
}

AccessTable::Value AccessTable::FindAddress(absl::string_view address) const {
  if (address.empty()) address = kNullSenderKey;
  if (list_ == nullptr) return FindWhole(address);
  if (address == kNullSenderKey) return FindKey(address);
  return FindUserAndDomain(absl::AsciiStrToLower(address));
}

AccessTable::Value AccessTable::FindKey(absl::string_view key) const {
  const std::optional<uint32_t> number = list_->FindNumber(key);
  return number.has_value() ? values_[*number] : nullptr;
}

AccessTable::Value AccessTable::FindNameAndParents(absl::string_view name) const {
  if (name.empty()) return nullptr;
  if (Value found = FindKey(name)) return found;
  // An address has no parent domain.
  if (name.front() == '[' || IsIpAddress(name)) return nullptr;
  for (size_t dot = name.find('.', 1); dot != absl::string_view::npos; dot = name.find('.', 1)) {
    name.remove_prefix(dot);
    if (Value found = FindKey(name)) return found;
    name.remove_prefix(1);
    // A HELO name may end in a dot.
    if (name.empty()) return nullptr;
    if (Value found = FindKey(name)) return found;
  }
  return nullptr;
}

AccessTable::Value AccessTable::FindAddressAndNetworks(absl::string_view address) const {
  const char separator = absl::StrContains(address, ':') ? ':' : '.';
  while (!address.empty()) {
    if (Value found = FindKey(address)) return found;
    const size_t end = address.rfind(separator);
    address = address.substr(0, end == absl::string_view::npos ? 0 : end);
  }
  return nullptr;
}

AccessTable::Value AccessTable::FindUserAndDomain(absl::string_view address) const {
  if (Value found = FindKey(address)) return found;
  const size_t at = address.rfind('@');
  const absl::string_view user = address.substr(0, at);
  const absl::string_view domain = at == absl::string_view::npos ? "" : address.substr(at + 1);
  const absl::string_view plain = WithoutExtension(user);
  const bool extended = plain.size() < user.size();
  if (extended && at != absl::string_view::npos) {
    if (Value found = FindKey(absl::StrCat(plain, "@", domain))) return found;
  }
  if (Value found = FindNameAndParents(domain)) return found;
  if (Value found = FindKey(absl::StrCat(user, "@"))) return found;
  return extended ? FindKey(absl::StrCat(plain, "@")) : nullptr;
}

AccessTable::Value AccessTable::FindWhole(absl::string_view text) const {
  if (networks_ != nullptr) {
    const std::optional<uint32_t> number = networks_->Find(text);
    return number.has_value() ? values_[*number] : nullptr;
  }
  const std::optional<PatternTable::Found> found = patterns_->Find(text);
  if (!found.has_value()) return nullptr;
  return found->substituted.has_value() ? CompileSubstituted(*found->substituted) : values_[found->value];
}

AccessTable::Value AccessTable::CompileSubstituted(absl::string_view value) const {
  absl::StatusOr<Value> compiled = compile_(value);
  if (compiled.ok()) return *std::move(compiled);
  // Log it once: any client could bring it about again with an address.
  if (!complained_.exchange(true)) {
    LogWarning(
        absl::StrCat(spec_, ": \"", Printable(value, 200), "\" counts as nothing: ", compiled.status().message()));
  }
  return nullptr;
}

}  // namespace verifyd
