// A table of networks, as Postfix's cidr_table(5): "NETWORK VALUE" lines in order, of which the first that has the
// address decides.
//
//   192.0.2.0/24   value
//   !198.51.100.7  value     every other address of the same family
//   if NETWORK, endif        the lines between are for addresses of the network only; "if !NETWORK" for the others
//
// Where Postfix warns and leaves a line out, the table is refused: half of a list of networks would let the others in.
//
// Networks of one prefix length are found by one look, so that a list of a hundred thousand costs what a short one
// does; only negated lines and blocks are tried one after the other.
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

  // The number of the value that stands there; values are numbered from 0 in the order in which `check` has seen them.
  // Nothing for what is not an address.
  std::optional<uint32_t> Find(absl::string_view address) const;

 private:
  struct Block;
  class Reader;

  struct Plain {
    uint32_t line = 0;  // which came first
    uint32_t value = 0;
  };
  // A line that does not only say "this network".
  struct Special {
    uint32_t line = 0;
    uint32_t value = 0;
    Network network;
    bool negated = false;
    std::unique_ptr<Block> inside;  // if
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
    // The plain line that comes first.
    const Plain* FindPlain(const AddressBits& address) const;
    std::optional<uint32_t> Find(const AddressBits& address) const;
  };

  Block block_;
  NumberedTexts values_;
};

}  // namespace verifyd

#endif  // VERIFYD_TABLES_NETWORK_TABLE_H_
