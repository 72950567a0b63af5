// The prober on two loops, each with its thread, as in the daemon.
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "probe/prober.h"
#include "tests/scripted_dialer.h"
#include "tests/scripted_resolver.h"

namespace verifyd {
namespace {

// Probes one address after the other; the last of all stops both loops.
boost::asio::awaitable<void> ProbeMany(Prober& prober, Loop& front, Loop& work, int id, int count, int& good,
                                       int& running) {
  for (int i = 0; i < count; ++i) {
    ProbeRequest request;
    request.address = Address::Parse(absl::StrCat("user", id, ".", i, "@example.com")).value();
    request.deadline = front.clock().Mono() + absl::Minutes(5);
    request.identity.helo = "gateway.example.org";
    const ProbeOutcome outcome = co_await prober.Probe(std::move(request));
    if (outcome.finding.reason == Reason::kAccepted) ++good;
  }
  if (--running > 0) co_return;
  co_await prober.Drain(front.clock().Mono() + absl::Minutes(5));
  front.Stop();
  work.Stop();
}

TEST(ProberThreadsTest, TheLoopsExchangeValuesOnly) {
  Loop front(Clock::Real());
  Loop work(Clock::Real());
  ScriptedResolver resolver(front);
  ScriptedDialer dialer(work);
  resolver.SetMx("example.com", {{10, "mx.example.com"}});
  resolver.SetAddresses("mx.example.com", {"11.0.0.1"});
  dialer.Play("11.0.0.1", "rcpt=250 2.1.5 Ok");
  int reports = 0;
  int good = 0;
  int running = 8;
  {
    Prober prober(front, resolver, {{work, dialer}});
    prober.Configure(std::make_shared<const ProbeSettings>(), Classifier::BuiltIn());
    prober.SetObserver({.destination = [&](const DestinationState&) { ++reports; }});
    for (int id = 0; id < 8; ++id) front.Spawn(ProbeMany(prober, front, work, id, 25, good, running));
    std::thread worker([&] { work.Run(); });
    front.Run();
    worker.join();
    EXPECT_EQ(prober.counts().probes, 200U);
    EXPECT_EQ(prober.counts().sessions_now, 0U);
  }
  EXPECT_EQ(good, 200);
  EXPECT_EQ(reports, 1);
}

}  // namespace
}  // namespace verifyd
