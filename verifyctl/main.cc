// verifyctl(1): the operator's tool.
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "base/log.h"
#include "verifyctl/colour.h"
#include "verifyctl/command_line.h"

int main(int argc, char** argv) {
  // Typed text is then seen before the next line is waited for.
  std::ios::sync_with_stdio(false);
  // One thread may read while another writes results.
  std::cin.tie(nullptr);
  verifyd::SpeakAs("verifyctl");
  verifyd::Console console{std::cin, std::cout, std::cerr};
  console.out_colours = verifyd::WantsColours(STDOUT_FILENO);
  console.err_is_terminal = ::isatty(STDERR_FILENO) != 0;
  return verifyd::RunVerifyctl(std::vector<std::string>(argv + 1, argv + argc), console);
}
