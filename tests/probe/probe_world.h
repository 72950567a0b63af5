// A prober on one loop, in a world of scripted servers and names. example.com has the MX mx1, mx2, mx3.example.com (10,
// 20, 30) where a test gives them scripts.
#ifndef VERIFYD_TESTS_PROBE_PROBE_WORLD_H_
#define VERIFYD_TESTS_PROBE_PROBE_WORLD_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "classifier/classifier.h"
#include "mail/address.h"
#include "mail/probe_outcome.h"
#include "mail/probe_request.h"
#include "probe/probe_settings.h"
#include "probe/prober.h"
#include "tests/scripted_dialer.h"
#include "tests/scripted_resolver.h"
#include "tests/test_loop.h"

namespace verifyd {

class ProbeWorld {
 public:
  static constexpr const char* kMx1 = "11.0.0.1";
  static constexpr const char* kMx2 = "11.0.0.2";
  static constexpr const char* kMx3 = "11.0.0.3";

  ProbeWorld() {
    settings.connection_idle_time =
        absl::ZeroDuration();  // a session says goodbye at once; tests of idle connections set it
    Configure();
  }

  // Call it after a change of `settings`.
  void Configure() { prober.Configure(std::make_shared<const ProbeSettings>(settings), Classifier::BuiltIn()); }

  // Gives example.com an MX for each script; the MX play the scripts.
  void Servers(const std::vector<std::string>& scripts) {
    std::vector<MxRecord> mx;
    for (size_t i = 0; i < scripts.size(); ++i) {
      const std::string host = absl::StrCat("mx", i + 1, ".example.com");
      const std::string address = absl::StrCat("11.0.0.", i + 1);
      mx.push_back({static_cast<uint16_t>(10 * (i + 1)), host});
      resolver.SetAddresses(host, {address});
      dialer.PlayOnly(address, scripts[i]);
    }
    resolver.SetMx("example.com", mx);
  }

  ProbeRequest Request(absl::string_view address, absl::Duration patience = absl::Seconds(1000)) {
    ProbeRequest request;
    request.address = Address::Parse(address).value();
    request.deadline = test.clock().Mono() + patience;
    request.identity.sender = "probe@gateway.example.org";
    request.identity.helo = "gateway.example.org";
    return request;
  }

  ProbeOutcome Probe(absl::string_view address = "joe@example.com", absl::Duration patience = absl::Seconds(1000)) {
    return Probe(Request(address, patience));
  }
  ProbeOutcome Probe(ProbeRequest request) { return test.Run(prober.Probe(std::move(request))); }

  // Starts a probe; `outcome` is filled when it has ended.
  std::shared_ptr<std::optional<ProbeOutcome>> Start(ProbeRequest request) {
    auto outcome = std::make_shared<std::optional<ProbeOutcome>>();
    test.loop().Spawn(Keep(prober, std::move(request), outcome));
    return outcome;
  }

  TestLoop test;
  ScriptedResolver resolver{test.loop()};
  ScriptedDialer dialer{test.loop()};
  ProbeSettings settings;
  Prober prober{test.loop(), resolver, {{test.loop(), dialer}}};

 private:
  static boost::asio::awaitable<void> Keep(Prober& prober, ProbeRequest request,
                                           std::shared_ptr<std::optional<ProbeOutcome>> outcome) {
    outcome->emplace(co_await prober.Probe(std::move(request)));
  }
};

}  // namespace verifyd

#endif  // VERIFYD_TESTS_PROBE_PROBE_WORLD_H_
