#include "tables/network_table.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "tables/table_text.h"

namespace verifyd {
namespace {

// Takes the first word of `rest`, and the white space after it.
absl::string_view TakeWord(absl::string_view& rest) {
  size_t end = 0;
  while (end < rest.size() && !absl::ascii_isspace(static_cast<unsigned char>(rest[end]))) ++end;
  const absl::string_view word = rest.substr(0, end);
  rest = absl::StripLeadingAsciiWhitespace(rest.substr(end));
  return word;
}

// Takes the negations; two cancel out, as in Postfix.
bool TakeNegation(absl::string_view& rest) {
  bool negated = false;
  while (absl::ConsumePrefix(&rest, "!")) {
    negated = !negated;
    rest = absl::StripLeadingAsciiWhitespace(rest);
  }
  return negated;
}

}  // namespace

// Puts each line into the table or the open block.
class NetworkTable::Reader {
 public:
  Reader(NetworkTable& table, Check check) : table_(table), check_(check), open_({&table.block_}) {}

  absl::Status Take(absl::string_view line) {
    ++line_;
    absl::string_view rest = line;
    const absl::string_view word = TakeWord(rest);
    if (absl::EqualsIgnoreCase(word, "if")) return Begin(rest);
    if (absl::EqualsIgnoreCase(word, "endif")) return End(rest);
    return TakeNetwork(line);
  }

  bool InBlock() const { return open_.size() > 1; }

 private:
  absl::Status Begin(absl::string_view rest) {
    if (open_.size() > kMaxNesting) {
      return UnexpectedInTable("if", absl::StrCat("at most ", kMaxNesting, " within each other"));
    }
    Special block{.line = line_, .negated = TakeNegation(rest), .inside = std::make_unique<Block>()};
    ASSIGN_OR_RETURN(block.network, Network::Parse(TakeWord(rest)));
    if (!rest.empty()) return UnexpectedInTable(rest, "nothing behind \"if NETWORK\"");
    Block* const inside = block.inside.get();
    open_.back()->special.push_back(std::move(block));
    open_.push_back(inside);
    return absl::OkStatus();
  }

  absl::Status End(absl::string_view rest) {
    if (!InBlock()) return UnexpectedInTable("endif", "an \"if\" before it");
    if (!rest.empty()) return UnexpectedInTable(rest, "nothing behind \"endif\"");
    open_.pop_back();
    return absl::OkStatus();
  }

  absl::Status TakeNetwork(absl::string_view rest) {
    const bool negated = TakeNegation(rest);
    ASSIGN_OR_RETURN(const Network network, Network::Parse(TakeWord(rest)));
    const auto [value, is_new] = table_.values_.Add(rest);
    if (is_new) RETURN_IF_ERROR(check_(rest));
    if (negated) {
      open_.back()->special.push_back({.line = line_, .value = value, .network = network, .negated = true});
    } else {
      open_.back()->AddPlain(network, {.line = line_, .value = value});
    }
    return absl::OkStatus();
  }

  NetworkTable& table_;
  const Check check_;
  std::vector<Block*> open_;  // the table, and the blocks that have not ended
  uint32_t line_ = 0;
};

absl::StatusOr<std::shared_ptr<const NetworkTable>> NetworkTable::Parse(absl::string_view file_name,
                                                                        absl::string_view text, Check check) {
  auto table = std::make_shared<NetworkTable>();
  Reader reader(*table, check);
  RETURN_IF_ERROR(
      ForEachLogicalLine(file_name, text, [&](absl::string_view line, int /*number*/) { return reader.Take(line); }));
  if (reader.InBlock()) {
    return absl::InvalidArgumentError(absl::StrCat(file_name, ": found an \"if\" without its \"endif\""));
  }
  table->values_.ShrinkToFit();
  return std::shared_ptr<const NetworkTable>(std::move(table));
}

std::optional<uint32_t> NetworkTable::Find(absl::string_view address) const {
  const std::optional<AddressBits> bits = ParseIpAddress(address);
  if (!bits.has_value()) return std::nullopt;
  return block_.Find(*bits);
}

bool NetworkTable::Special::Matches(const AddressBits& address) const {
  return network.OfSameFamily(address) && network.Contains(address) != negated;
}

void NetworkTable::Block::AddPlain(const Network& network, const Plain& line) {
  auto same =
      std::find_if(plain.begin(), plain.end(), [&](const SamePrefix& known) { return known.prefix == network.prefix; });
  if (same == plain.end()) {
    plain.push_back({.prefix = network.prefix});
    same = std::prev(plain.end());
  }
  same->networks.try_emplace(network.bits, line);
}

const NetworkTable::Plain* NetworkTable::Block::FindPlain(const AddressBits& address) const {
  const Plain* first = nullptr;
  for (const SamePrefix& same : plain) {
    const auto found = same.networks.find(MaskedTo(same.prefix, address));
    if (found == same.networks.end()) continue;
    if (!Network{.bits = found->first, .prefix = same.prefix}.OfSameFamily(address)) continue;
    if (first == nullptr || found->second.line < first->line) first = &found->second;
  }
  return first;
}

std::optional<uint32_t> NetworkTable::Block::Find(const AddressBits& address) const {
  const Plain* const first = FindPlain(address);
  for (const Special& line : special) {
    if (first != nullptr && first->line < line.line) break;
    if (!line.Matches(address)) continue;
    if (line.inside == nullptr) return line.value;
    const std::optional<uint32_t> found = line.inside->Find(address);
    if (found.has_value()) return found;
  }
  if (first == nullptr) return std::nullopt;
  return first->value;
}

}  // namespace verifyd
