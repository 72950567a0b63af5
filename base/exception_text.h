// What the exception that is being handled says, for an edge that no exception may cross.
//
// Thread: any.
#ifndef VERIFYD_BASE_EXCEPTION_TEXT_H_
#define VERIFYD_BASE_EXCEPTION_TEXT_H_

#include <string>

namespace verifyd {

// To be called in `catch (...)`. Never empty: what is no std::exception, or says nothing, is said to be so.
std::string ExceptionText();

}  // namespace verifyd

#endif  // VERIFYD_BASE_EXCEPTION_TEXT_H_
