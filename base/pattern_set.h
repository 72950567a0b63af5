// Many text patterns (RE2 syntax, case-insensitive) tried against one text in a single pass. Time is linear in the text
// and memory is bounded, whatever the patterns and the text are.
//
// Thread: one while it is filled, any after Compile.
#ifndef VERIFYD_BASE_PATTERN_SET_H_
#define VERIFYD_BASE_PATTERN_SET_H_

#include <re2/re2.h>
#include <re2/set.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace verifyd {

// The patterns that matched, by number.
class PatternHits {
 public:
  explicit PatternHits(size_t count) : words_((count + 63) / 64) {}
  void Set(size_t number) { words_[number / 64] |= uint64_t{1} << number % 64; }
  bool Has(size_t number) const { return (words_[number / 64] >> number % 64 & 1) != 0; }

 private:
  std::vector<uint64_t> words_;
};

class PatternSet {
 public:
  // The memory all patterns together may use, program and state cache.
  static constexpr size_t kMemory = size_t{16} << 20;

  explicit PatternSet(size_t memory = kMemory);

  // Returns the number of the pattern. Error: InvalidArgument with RE2's own words.
  absl::StatusOr<size_t> Add(absl::string_view pattern);
  // Call Add no more after it. Error: ResourceExhausted when all patterns together are too large.
  absl::Status Compile();
  // Finds every pattern anywhere in `text`. Works on bytes, not characters.
  PatternHits Match(absl::string_view text) const;

  size_t size() const { return patterns_.size(); }

 private:
  RE2::Set set_;
  // Each pattern by itself: for its error message, and for a hostile text on which the set runs out of memory.
  std::vector<std::unique_ptr<RE2>> patterns_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_PATTERN_SET_H_
