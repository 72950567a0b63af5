// verifyctl(1): the operator's tool.
#include <iostream>
#include <string>
#include <vector>

#include "verifyctl/command_line.h"

int main(int argc, char** argv) {
  verifyd::Console console{std::cin, std::cout, std::cerr};
  return verifyd::RunVerifyctl(std::vector<std::string>(argv + 1, argv + argc), console);
}
