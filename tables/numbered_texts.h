// Many texts, each kept once, numbered in the order in which they came. The bytes of all stand in one block: a string
// for each would cost 32 bytes, a piece of the heap, and time when it is freed.
//
// Thread: one while it is filled, any after that.
#ifndef VERIFYD_TABLES_NUMBERED_TEXTS_H_
#define VERIFYD_TABLES_NUMBERED_TEXTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace verifyd {

class NumberedTexts {
 public:
  NumberedTexts() : numbers_(/*bucket_count=*/0, Hash{this}, Equal{this}) {}
  NumberedTexts(const NumberedTexts&) = delete;
  NumberedTexts& operator=(const NumberedTexts&) = delete;

  // Returns the number of the text, and whether it is new. All texts together must stay below 4 GiB.
  std::pair<uint32_t, bool> Add(absl::string_view text);
  // Makes room for `count` texts: without it all are hashed anew each time the room is used up.
  void Reserve(size_t count);
  // Gives back the room held for more texts.
  void ShrinkToFit();

  std::optional<uint32_t> Find(absl::string_view text) const;
  // `number` is one that Add returned. Valid until the next Add.
  absl::string_view operator[](uint32_t number) const;
  size_t size() const { return ends_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    const NumberedTexts* texts;
    size_t operator()(absl::string_view text) const { return absl::Hash<absl::string_view>()(text); }
    size_t operator()(uint32_t number) const { return (*this)((*texts)[number]); }
  };
  struct Equal {
    using is_transparent = void;
    const NumberedTexts* texts;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t number, absl::string_view text) const { return (*texts)[number] == text; }
    bool operator()(absl::string_view text, uint32_t number) const { return (*texts)[number] == text; }
  };

  std::string bytes_;
  std::vector<uint32_t> ends_;  // in bytes_, by number; a text begins where the one before it ends
  absl::flat_hash_set<uint32_t, Hash, Equal> numbers_;
};

}  // namespace verifyd

#endif  // VERIFYD_TABLES_NUMBERED_TEXTS_H_
