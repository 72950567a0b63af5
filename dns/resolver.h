// The resolver: asks the name servers one question (a seam: tests script it).
//
// Thread: the front loop only.
#ifndef VERIFYD_DNS_RESOLVER_H_
#define VERIFYD_DNS_RESOLVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "boost/asio/awaitable.hpp"
#include "dns/answer.h"

namespace verifyd {

// Whether a question is about a name of ours. When there are too many questions, some room is left for the operator's
// own domains and next hops: anybody can make us ask for other names.
enum class DnsNeed : uint8_t { kOthers, kOurs };

class Resolver {
 public:
  using Answer = boost::asio::awaitable<std::shared_ptr<const DnsAnswer>>;

  virtual ~Resolver() = default;
  // Never null; time-outs and refusals are statuses of the answer. Answers by `deadline` at the latest (status
  // kTimeout). `name` is an ASCII domain without trailing dot; case does not matter.
  virtual Answer Query(std::string name, DnsType type, MonoTime deadline, DnsNeed need) = 0;
  Answer Query(std::string name, DnsType type, MonoTime deadline) {
    return Query(std::move(name), type, deadline, DnsNeed::kOthers);
  }
  // Does the same, but never answers from memory.
  virtual Answer QueryAnew(std::string name, DnsType type, MonoTime deadline, DnsNeed need) {
    return Query(std::move(name), type, deadline, need);
  }
  Answer QueryAnew(std::string name, DnsType type, MonoTime deadline) {
    return QueryAnew(std::move(name), type, deadline, DnsNeed::kOthers);
  }
};

}  // namespace verifyd

#endif  // VERIFYD_DNS_RESOLVER_H_
