// The input is the SPF record of every domain: an evaluation ends within its look-ups, and its text is printable.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/loop.h"
#include "base/text.h"
#include "boost/asio/awaitable.hpp"
#include "dns/resolver.h"
#include "verifyd/doctor/spf.h"

namespace verifyd {
namespace {

// Ten terms, their hosts, and the records of those.
constexpr int kMostQuestions = 200;

void Require(bool holds) {
  if (!holds) std::abort();
}

class OneRecordResolver : public Resolver {
 public:
  explicit OneRecordResolver(std::string record) : record_(std::move(record)) {}

  Answer Query(std::string name, DnsType type, MonoTime /*deadline*/, DnsNeed /*need*/) override {
    Require(IsDomainName(name) && ++asked_ <= kMostQuestions);
    auto answer = std::make_shared<DnsAnswer>();
    answer->status = DnsStatus::kOk;
    if (type == DnsType::kTxt) answer->texts = {record_};
    if (type == DnsType::kMx) answer->mx = {{10, "mx.example.com"}};
    if (type == DnsType::kA) answer->addresses = {"192.0.2.1"};
    if (type == DnsType::kAaaa) answer->status = DnsStatus::kNoData;
    co_return answer;
  }

 private:
  const std::string record_;
  int asked_ = 0;
};

boost::asio::awaitable<void> Evaluate(Resolver& resolver, std::string client, std::optional<SpfVerdict>& verdict) {
  verdict = co_await EvaluateSpf(resolver,
                                 {.client = std::move(client), .sender = "probe@example.com", .helo = "gw.example.com"},
                                 MonoTime::InfiniteFuture());
}

}  // namespace
}  // namespace verifyd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace verifyd;  // NOLINT(google-build-using-namespace)
  for (const char* client : {"192.0.2.1", "2001:db8::1"}) {
    Loop loop(Clock::Real());
    OneRecordResolver resolver(std::string("v=spf1 ") + std::string(reinterpret_cast<const char*>(data), size));
    std::optional<SpfVerdict> verdict;
    loop.Spawn(Evaluate(resolver, client, verdict));
    while (loop.Poll() > 0) {
    }
    Require(verdict.has_value() && verdict->result != SpfResult::kNone);
    Require(verdict->explanation == Printable(verdict->explanation, verdict->explanation.size()));
  }
  return 0;
}
