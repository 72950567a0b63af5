// Exit codes of verifyctl: what was found of the addresses, else those of sysexits(3).
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
constexpr int kExitOutput = 74;       // what is to be read or written can not be
constexpr int kExitUnknown = 75;      // in progress, temporary, not verifiable
constexpr int kExitProtocol = 76;     // what answered is not verifyd
constexpr int kExitNoPermission = 77;
constexpr int kExitConfiguration = 78;

// Of one result.
int ExitCodeOf(const ShownVerdict& result);
// Of an error on the way to the answer.
int ExitCodeOf(const absl::Status& status);
// Of a file that was to be read: what is in it may be what is wrong (InvalidArgument),
// or that its reading fails (Unavailable).
int ExitCodeOfInput(const absl::Status& status);
// Of several addresses the worst counts: bad address, undeliverable, risky, unknown, not cached, deliverable.
int Worse(int a, int b);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_EXIT_CODE_H_
