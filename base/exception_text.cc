#include "base/exception_text.h"

#include <exception>
#include <string>

namespace verifyd {

std::string ExceptionText() {
  std::string text;
  try {
    throw;
  } catch (const std::exception& e) {
    text = e.what();
    if (text.empty()) text = "an exception without text";
  } catch (...) {
    text = "an exception of unknown type";
  }
  return text;
}

}  // namespace verifyd
