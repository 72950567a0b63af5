// The text of a lookup table, as Postfix reads its source files (postmap(1), cidr_table(5), pcre_table(5)): logical
// lines, comments, continuations. Each table gives the lines their meaning.
//
// Thread: any (pure functions; reading waits for the disk).
#ifndef VERIFYD_TABLES_TABLE_TEXT_H_
#define VERIFYD_TABLES_TABLE_TEXT_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace verifyd {

// Reads the whole file, of at most 1 GiB. Errors name it.
absl::StatusOr<std::string> ReadTableText(absl::string_view path);

// Calls `take` for each logical line, in order. A line that begins with white space continues the one before it (joined
// by one space); empty lines and lines that begin with '#' are skipped. Ends at the first error, which gets "FILE:LINE:
// " in front.
absl::Status ForEachLogicalLine(absl::string_view file_name, absl::string_view text,
                                absl::FunctionRef<absl::Status(absl::string_view line, int number)> take);

// Makes an error of such a line, for `take` to return.
absl::Status UnexpectedInTable(absl::string_view found, absl::string_view expected);

}  // namespace verifyd

#endif  // VERIFYD_TABLES_TABLE_TEXT_H_
