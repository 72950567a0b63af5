// A table of patterns, written as Postfix's pcre_table(5), matched by RE2: time is linear in the text, whatever the
// patterns and the text are. The lines are ordered, and the first that matches decides:
//
//   /^(.*)@example\.com$/  value with $1, ${1} or $(1); a dollar is $$
//   !/PATTERN/FLAGS value  where it does not match
//   if /PATTERN/, endif    the lines between apply only to text that matches; "if !/PATTERN/" to text that does not
//
// Any character but a letter, a digit or a backslash may stand in place of "/". Case does not matter unless the flag i
// says so; m, s, A, U and E mean what they mean in pcre_table(5), x and X are not known. RE2 has no back-references and
// no look-around. Where Postfix warns and leaves a line out, the table is refused.
//
// Bounded: 1000 patterns, 16 MiB for all together, a value of 1 KiB after substitution.
//
// Thread: any (immutable once loaded).
#ifndef VERIFYD_TABLES_PATTERN_TABLE_H_
#define VERIFYD_TABLES_PATTERN_TABLE_H_

#include <re2/re2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/pattern_set.h"
#include "tables/numbered_texts.h"

namespace verifyd {

class PatternTable {
 public:
  static constexpr size_t kMaxPatterns = 1000;
  static constexpr size_t kMaxValue = 1024;

  // `check` sees every value once, however many lines have it, and may refuse it. It sees "x" in place of $1, so that a
  // client can not choose an action by its address. Errors name file and line, what was found and what was expected.
  using Check = absl::FunctionRef<absl::Status(absl::string_view value)>;
  static absl::StatusOr<std::shared_ptr<const PatternTable>> Parse(absl::string_view file_name, absl::string_view text,
                                                                   Check check);

  struct Found {
    // Values are numbered from 0 in the order in which `check` saw them.
    uint32_t value = 0;
    // Set where the value has $1 and its like: the value with the groups filled in, printable. Use it instead of
    // `value`.
    std::optional<std::string> substituted;
  };
  // Matches `text` as it stands, whole.
  std::optional<Found> Find(absl::string_view text) const;

 private:
  // A part of a value: a text, and the number of the group that follows it (0: none).
  struct Part {
    std::string text;
    int group = 0;
  };
  struct Pattern;
  struct Rule {
    size_t pattern = 0;  // in patterns_
    bool negated = false;
    size_t behind_block = 0;  // for an "if": the number of the rule after its "endif"; 0: not an "if"
    uint32_t value = 0;
    // Set where the value has groups.
    std::unique_ptr<RE2> groups;
    std::vector<Part> parts;
  };
  class Reader;

  static absl::StatusOr<Pattern> TakePattern(absl::string_view& rest);
  static absl::StatusOr<std::vector<Part>> ParseValue(absl::string_view value, int groups);
  static std::string Substitute(const Rule& rule, absl::string_view text);

  PatternSet patterns_;
  std::vector<Rule> rules_;
  NumberedTexts values_;
};

}  // namespace verifyd

#endif  // VERIFYD_TABLES_PATTERN_TABLE_H_
