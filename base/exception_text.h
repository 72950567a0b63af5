// The text of the exception that is being handled, for an edge that no exception may cross.
//
// Thread: any.
#ifndef VERIFYD_BASE_EXCEPTION_TEXT_H_
#define VERIFYD_BASE_EXCEPTION_TEXT_H_

#include <string>

namespace verifyd {

// Call it in `catch (...)`. Never empty: it also names an exception that is no std::exception or has no text.
std::string ExceptionText();

}  // namespace verifyd

#endif  // VERIFYD_BASE_EXCEPTION_TEXT_H_
