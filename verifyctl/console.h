// The input and output of a command, and its clock: the terminal's, or a test's strings.
//
// Thread: the only one.
#ifndef VERIFYD_VERIFYCTL_CONSOLE_H_
#define VERIFYD_VERIFYCTL_CONSOLE_H_

#include <istream>
#include <ostream>

#include "base/clock.h"

namespace verifyd {

struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  const Clock& clock = Clock::Real();
  // Somebody watches, so the progress of a long verb is shown there.
  bool err_is_terminal = false;
  // The reader of `out` sees colours, and it may be wiped.
  bool out_colours = false;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_CONSOLE_H_
