// A table of networks, as Postfix's cidr_table(5): lines "NETWORK VALUE" in order. The first that has the address
// decides.
//
//   192.0.2.0/24   value
//   !198.51.100.7  value     every other address of the same family
//   if NETWORK, endif        the lines between apply only to addresses of the network; "if !NETWORK" to the others
//
// Where Postfix warns and leaves a line out, the table is refused: half of a list of networks would let the others in.
//
// One look finds all networks of one prefix length, so that a list of a hundred thousand costs no more than a short
// one; only negated lines and blocks are tried one after the other.
//
// Thread: any (immutable once loaded).
#ifndef VERIFYD_TABLES_NETWORK_TABLE_H_
#define VERIFYD_TABLES_NETWORK_TABLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/network.h"
#include "tables/numbered_texts.h"

namespace verifyd {

class NetworkTable {
 public:
  // Blocks within blocks.
  static constexpr size_t kMaxNesting = 50;

  // `check` sees every value once, however many lines have it, and may refuse it. Errors name file and line, what was
  // found and what was expected.
  using Check = absl::FunctionRef<absl::Status(absl::string_view value)>;
  static absl::StatusOr<std::shared_ptr<const NetworkTable>> Parse(absl::string_view file_name, absl::string_view text,
                                                                   Check check);

  // Returns the number of the value for `address`; values are numbered from 0 in the order in which `check` saw them.
  // Nothing where `address` is no address.
  std::optional<uint32_t> Find(absl::string_view address) const;

 private:
  struct Block;
  class Reader;

  struct Plain {
    uint32_t line = 0;  // the smallest comes first
    uint32_t value = 0;
  };
  // A negated line, or a block.
  struct Special {
    uint32_t line = 0;
    uint32_t value = 0;
    Network network;
    bool negated = false;
    std::unique_ptr<Block> inside;  // set for "if"
    bool Matches(const AddressBits& address) const;
  };
  struct SamePrefix {
    int prefix = 0;
    absl::flat_hash_map<AddressBits, Plain> networks;
  };
  struct Block {
    std::vector<SamePrefix> plain;
    std::vector<Special> special;
    void AddPlain(const Network& network, const Plain& plain);
    // Returns the first plain line that has the address.
    const Plain* FindPlain(const AddressBits& address) const;
    std::optional<uint32_t> Find(const AddressBits& address) const;
  };

  Block block_;
  NumberedTexts values_;
};

}  // namespace verifyd

#endif  // VERIFYD_TABLES_NETWORK_TABLE_H_
