// Where a command reads and writes, and what time it is: the terminal, or a test's strings.
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
  // Somebody watches: how far a long verb has come is shown there.
  bool err_is_terminal = false;
  // Who reads `out` sees colours, and it may be wiped.
  bool out_colours = false;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_CONSOLE_H_
