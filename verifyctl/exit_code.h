// Exit codes of verifyctl: the finding about the addresses, else those of sysexits(3).
#ifndef VERIFYD_VERIFYCTL_EXIT_CODE_H_
#define VERIFYD_VERIFYCTL_EXIT_CODE_H_

#include "absl/status/status.h"

namespace verifyd {

struct ShownVerdict;

constexpr int kExitDeliverable = 0;
constexpr int kExitUndeliverable = 1;
constexpr int kExitNotCached = 2;  // nothing is held of the address
constexpr int kExitRisky = 3;
constexpr int kExitUsage = 64;
constexpr int kExitBadAddress = 65;
constexpr int kExitNoInput = 66;      // no cache to open, no file to read
constexpr int kExitUnavailable = 69;  // the daemon can not be reached, or can not answer
constexpr int kExitOutput = 74;       // input can not be read, or output not be written
constexpr int kExitUnknown = 75;      // in progress, temporary, not verifiable
constexpr int kExitProtocol = 76;     // the answer is not verifyd's
constexpr int kExitNoPermission = 77;
constexpr int kExitConfiguration = 78;

// The code of one result.
int ExitCodeOf(const ShownVerdict& result);
// The code of an error on the way to the answer.
int ExitCodeOf(const absl::Status& status);
// The code of an error with an input file: its content may be wrong (InvalidArgument), or its reading fails
// (Unavailable).
int ExitCodeOfInput(const absl::Status& status);
// Returns the worse code: bad address, undeliverable, risky, unknown, not cached, deliverable.
int Worse(int a, int b);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_EXIT_CODE_H_
