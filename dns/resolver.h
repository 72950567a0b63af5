// The resolver: asks the name servers one question (a seam: tests script it).
//
// Thread: the front loop only.
#ifndef VERIFYD_DNS_RESOLVER_H_
#define VERIFYD_DNS_RESOLVER_H_

#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "boost/asio/awaitable.hpp"
#include "dns/answer.h"

namespace verifyd {

class Resolver {
 public:
  virtual ~Resolver() = default;
  // Never null; time-outs and refusals are statuses of the answer. Answers by `deadline` at the latest (status
  // kTimeout). `name` is an ASCII domain without trailing dot; case does not matter.
  virtual boost::asio::awaitable<std::shared_ptr<const DnsAnswer>> Query(std::string name, DnsType type,
                                                                         MonoTime deadline) = 0;
  // The same, but what is remembered does not answer it.
  virtual boost::asio::awaitable<std::shared_ptr<const DnsAnswer>> QueryAnew(std::string name, DnsType type,
                                                                             MonoTime deadline) {
    return Query(std::move(name), type, deadline);
  }
};

}  // namespace verifyd

#endif  // VERIFYD_DNS_RESOLVER_H_
