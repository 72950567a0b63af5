// The beginning, and the end, of text that a verb reads from a file or from standard input.
//
// Thread: any.
#ifndef VERIFYD_VERIFYCTL_INPUT_TEXT_H_
#define VERIFYD_VERIFYCTL_INPUT_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "verifyctl/console.h"

namespace verifyd {

// Takes the mark (EF BB BF) that some programs put before UTF-8, and nothing else. InvalidArgument where `in` is
// compressed (the error says how `verb` can read it) or no text; else as of ReadError. `name` is that of the file, or
// "-". Waits for the first bytes.
absl::Status BeginText(std::istream& in, const std::string& name, absl::string_view verb);
// Returns the first bytes, as many as have come, 100 at most; they stay where they are. Waits for one.
std::string FirstBytes(std::istream& in, size_t most);
// Returns the reason why the reading of `in` ended: Ok where that was its end. NotFound: it is a folder. Unavailable:
// it can not be read, or not further.
absl::Status ReadError(const std::istream& in, const std::string& name);
// Does the same from the number of the error (errno).
absl::Status ReadErrorOf(int code, const std::string& name);
// Says that `name` is empty.
void SayEmpty(const std::string& name, Console& console);
// Says that `name` is no mail log. Returns the exit code.
int NoMailLog(const std::string& name, int64_t lines, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_INPUT_TEXT_H_
