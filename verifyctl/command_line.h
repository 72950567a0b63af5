// The command line of verifyctl.
#ifndef VERIFYD_VERIFYCTL_COMMAND_LINE_H_
#define VERIFYD_VERIFYCTL_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "verifyctl/console.h"

namespace verifyd {

// Does what `arguments` (without the program's name) say. Returns the exit code.
int RunVerifyctl(std::vector<std::string> arguments, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_COMMAND_LINE_H_
