// SPF (RFC 7208): whether a domain lets a client use it in MAIL FROM, as a receiver would find.
//
// Anybody may write a record. So at most ten terms that look something up are followed, two look-ups that find nothing,
// ten hosts of an MX, and a record of 4096 octets; a loop of includes ends, too.
//
// Thread: the resolver's loop.
#ifndef VERIFYD_VERIFYD_DOCTOR_SPF_H_
#define VERIFYD_VERIFYD_DOCTOR_SPF_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "boost/asio/awaitable.hpp"
#include "dns/resolver.h"

namespace verifyd {

enum class SpfResult : uint8_t {
  kNone,  // no record
  kNeutral,
  kPass,
  kFail,
  kSoftfail,
  kTemperror,
  kPermerror,
  kUnknown,  // we can not tell: ptr, and macros that only a receiver can fill in
};

struct SpfQuestion {
  std::string client;  // an IP address
  std::string sender;  // local@domain, without quotes
  std::string helo;
};

struct SpfVerdict {
  SpfResult result = SpfResult::kTemperror;
  std::string explanation;  // the term and its domain, or what is wrong; printable
};

absl::string_view SpfResultName(SpfResult result);  // "softfail"

// Evaluates the record of the sender's domain.
boost::asio::awaitable<SpfVerdict> EvaluateSpf(Resolver& resolver, SpfQuestion question, MonoTime deadline);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOCTOR_SPF_H_
