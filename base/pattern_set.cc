#include "base/pattern_set.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

// The memory of one pattern. RE2 refuses a counted repetition that does not fit.
constexpr int64_t kPatternMemory = int64_t{1} << 20;

RE2::Options OptionsOf(int64_t memory) {
  RE2::Options options;
  options.set_case_sensitive(false);
  // Text is hostile bytes: in Latin-1 mode every byte is a character, and UTF-8 in a pattern still matches itself.
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_never_capture(true);
  options.set_log_errors(false);
  options.set_max_mem(memory);
  return options;
}

re2::StringPiece Piece(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace

PatternSet::PatternSet(size_t memory) : set_(OptionsOf(static_cast<int64_t>(memory)), RE2::UNANCHORED) {}

absl::StatusOr<size_t> PatternSet::Add(absl::string_view pattern) {
  auto alone = std::make_unique<RE2>(Piece(pattern), OptionsOf(kPatternMemory));
  if (!alone->ok()) return absl::InvalidArgumentError(alone->error());
  std::string error;
  if (set_.Add(Piece(pattern), &error) < 0) return absl::InvalidArgumentError(error);
  patterns_.push_back(std::move(alone));
  return patterns_.size() - 1;
}

absl::Status PatternSet::Compile() {
  if (set_.Compile()) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(patterns_.size(), " patterns need too much memory"));
}

PatternHits PatternSet::Match(absl::string_view text) const {
  PatternHits hits(patterns_.size());
  std::vector<int> found;
  RE2::Set::ErrorInfo error{RE2::Set::kNoError};
  if (set_.Match(Piece(text), &found, &error)) {
    for (const int number : found) hits.Set(static_cast<size_t>(number));
  } else if (error.kind != RE2::Set::kNoError) {
    for (size_t i = 0; i < patterns_.size(); ++i) {
      if (RE2::PartialMatch(Piece(text), *patterns_[i])) hits.Set(i);
    }
  }
  return hits;
}

}  // namespace verifyd
