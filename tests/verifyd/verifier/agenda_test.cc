#include "verifyd/verifier/agenda.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "cache/cache.h"
#include "probe/prober.h"
#include "tests/cache/samples.h"
#include "tests/scripted_dialer.h"
#include "tests/scripted_resolver.h"
#include "tests/test_loop.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {
namespace {

// Servers of example.com and example.net that take 100 s for an address, and a store, because the agenda reads its
// index.
class AgendaTest : public testing::Test {
 protected:
  AgendaTest() {
    AddSlowServer("example.com");
    AddSlowServer("example.net");
    CacheSettings settings;
    settings.path = folder_.path() + "/verify_cache";
    settings.cleanup_interval = absl::ZeroDuration();
    cache_ = Cache::Open(test_.loop(), settings);
    verifier_ = std::make_unique<Verifier>(test_.loop(), *cache_, std::vector<Source*>{&prober_}, metrics_);
    VerifyDomains("*");
  }

  void AddSlowServer(const std::string& domain) {
    const std::string address = absl::StrCat("11.0.0.", ++servers_);
    resolver_.SetMx(domain, {{10, absl::StrCat("mx.", domain)}});
    resolver_.SetAddresses(absl::StrCat("mx.", domain), {address});
    dialer_.Play(address, "rcpt={wait 100s}250 Ok");
  }

  void VerifyDomains(const std::string& domains) {
    const std::vector<Assignment> file = {{"verify_domains", domains, "test"},
                                          {"myhostname", "gw.example.org", "test"},
                                          {"probe_public_concurrency_limit", "100", "test"},
                                          {"address_verify_map", "", "test"}};
    const Configuration configuration = *Configuration::Create(*Settings::Load(file, {}));
    prober_.Configure(configuration.probe, configuration.classifier);
    verifier_->Configure(configuration.verifier);
  }

  // Puts on the agenda an address that was accepted once and wants a second opinion; due a second ago, or after `in`.
  void Plan(const std::string& key, absl::Duration in = absl::Seconds(-1)) {
    Record record = PositiveRecord(test_.clock().Now() - absl::Hours(2));
    record.pending = NegativeFinding(test_.clock().Now() - absl::Hours(1));
    record.next_probe = test_.clock().Now() + in;
    cache_->PutRecord(key, record);
  }
  bool WasAsked(const std::string& key) { return !cache_->FindRecord(key)->pending.has_value(); }
  bool IsAsked(absl::string_view key) { return verifier_->Probing(*Address::Parse(key)); }

  CapturedLog log_;
  TemporaryFolder folder_;
  TestLoop test_;
  ScriptedResolver resolver_{test_.loop()};
  ScriptedDialer dialer_{test_.loop()};
  Prober prober_{test_.loop(), resolver_, {{test_.loop(), dialer_}}};
  Metrics metrics_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Verifier> verifier_;
  int servers_ = 0;
};

TEST_F(AgendaTest, FewOfOneDomainAreAskedAtATimeAndEveryoneInTheEnd) {
  for (int i = 0; i < 40; ++i) Plan(absl::StrCat("user", i, "@example.com"));
  Plan("joe@example.net");
  cache_->Flush();
  Agenda agenda(test_.loop(), *cache_, *verifier_);
  test_.Advance(absl::Seconds(2));
  EXPECT_EQ(agenda.probing(), Agenda::kOfOneDomain + 1);
  // No address waits for a domain that is slow elsewhere, and none is forgotten.
  for (int round = 0; round < 30; ++round) {
    test_.Advance(absl::Seconds(101));
    EXPECT_LE(agenda.probing(), Agenda::kOfOneDomain + 1);
    cache_->Flush();
  }
  EXPECT_EQ(agenda.probing(), 0U);
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(WasAsked(absl::StrCat("user", i, "@example.com"))) << i;
}

// There are more than are looked at in one go.
TEST_F(AgendaTest, ThousandsOfOneSlowDomainDoNotHideTheOthers) {
  for (int i = 0; i < 2500; ++i) Plan(absl::StrCat("user", i, "@example.com"), absl::Seconds(-2));
  Plan("joe@example.net");
  cache_->Flush();
  Agenda agenda(test_.loop(), *cache_, *verifier_);
  test_.Advance(absl::Seconds(5));
  EXPECT_TRUE(IsAsked("joe@example.net"));
  EXPECT_EQ(agenda.probing(), Agenda::kOfOneDomain + 1);
  // The slow domain goes on, too.
  test_.Advance(absl::Seconds(100));
  EXPECT_TRUE(WasAsked("joe@example.net"));
  EXPECT_EQ(agenda.probing(), Agenda::kOfOneDomain);
}

TEST_F(AgendaTest, ThoseForWhomThereWasNoPlaceHaveTheirTurnNext) {
  const size_t domains = Agenda::kAtOnce / Agenda::kOfOneDomain + 2;
  for (size_t domain = 0; domain < domains; ++domain) {
    const std::string name = absl::StrCat("domain", domain, ".example");
    AddSlowServer(name);
    for (size_t i = 0; i < Agenda::kOfOneDomain; ++i) Plan(absl::StrCat("user", i, "@", name));
  }
  cache_->Flush();
  Agenda agenda(test_.loop(), *cache_, *verifier_);
  test_.Advance(absl::Seconds(2));
  EXPECT_EQ(agenda.probing(), Agenda::kAtOnce);
  for (int round = 0; round < 10; ++round) {
    test_.Advance(absl::Seconds(101));
    EXPECT_LE(agenda.probing(), Agenda::kAtOnce);
    cache_->Flush();
  }
  EXPECT_EQ(agenda.probing(), 0U);
  for (size_t domain = 0; domain < domains; ++domain) {
    for (size_t i = 0; i < Agenda::kOfOneDomain; ++i) {
      EXPECT_TRUE(WasAsked(absl::StrCat("user", i, "@domain", domain, ".example"))) << domain << " " << i;
    }
  }
}

TEST_F(AgendaTest, AProbeIsMadeAtItsTimeAndNotBefore) {
  Plan("joe@example.com", absl::Minutes(20));
  cache_->Flush();
  Agenda agenda(test_.loop(), *cache_, *verifier_);
  test_.Advance(absl::Minutes(19));
  EXPECT_EQ(agenda.probing(), 0U);
  test_.Advance(absl::Minutes(1) + absl::Seconds(2));
  EXPECT_EQ(agenda.probing(), 1U);
}

TEST_F(AgendaTest, WhatAProbePlansIsLookedAtWhenItsTimeComes) {
  Agenda agenda(test_.loop(), *cache_, *verifier_);
  test_.Advance(absl::Seconds(2));
  dialer_.PlayOnly("11.0.0.1", "rcpt=450 4.2.0 Greylisted, try again in 120 seconds");
  Question question;
  question.address = *Address::Parse("joe@example.com");
  question.patience = absl::Seconds(10);
  EXPECT_EQ(test_.Run(verifier_->Verify(question)).deliverability(), Deliverability::kUnknown);
  cache_->Flush();
  dialer_.PlayOnly("11.0.0.1", "rcpt=250 Ok");
  test_.Advance(absl::Minutes(3));
  EXPECT_EQ(cache_->FindRecord("joe@example.com")->finding.reason, Reason::kAccepted);
}

TEST_F(AgendaTest, WhatIsOnTheAgendaOfADomainThatIsNotOursAnyMoreIsGivenUp) {
  Plan("joe@example.com");
  cache_->Flush();
  VerifyDomains("example.net");
  Agenda agenda(test_.loop(), *cache_, *verifier_);
  test_.Advance(absl::Seconds(2));
  EXPECT_TRUE(dialer_.connections().empty());
  EXPECT_FALSE(cache_->FindRecord("joe@example.com")->on_agenda());
}

TEST_F(AgendaTest, WhatTheOperatorHasSetSinceIsNotAskedAbout) {
  Plan("joe@example.com");
  Plan("ann@example.net");
  cache_->Flush();
  cache_->PutPin("joe@example.com", FullPin());
  cache_->PutHold("example.net", {.until = test_.clock().Now() + absl::Minutes(5)});
  Agenda agenda(test_.loop(), *cache_, *verifier_);
  test_.Advance(absl::Seconds(2));
  EXPECT_TRUE(dialer_.connections().empty());
  EXPECT_FALSE(cache_->FindRecord("joe@example.com")->on_agenda());
  // An address on hold is asked about later.
  cache_->Flush();
  test_.Advance(absl::Minutes(15));
  EXPECT_TRUE(WasAsked("ann@example.net"));
}

TEST_F(AgendaTest, AnAgendaThatGoesWhileItsProbesAreInTheAirIsNotMissed) {
  Plan("joe@example.com");
  cache_->Flush();
  auto agenda = std::make_unique<Agenda>(test_.loop(), *cache_, *verifier_);
  test_.Advance(absl::Seconds(2));
  EXPECT_EQ(agenda->probing(), 1U);
  agenda.reset();
  test_.Advance(absl::Seconds(200));
  EXPECT_TRUE(WasAsked("joe@example.com"));
}

}  // namespace
}  // namespace verifyd
