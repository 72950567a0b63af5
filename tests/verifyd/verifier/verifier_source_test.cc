// The verifier asks sources, whoever they are.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cache/cache.h"
#include "classifier/classifier.h"
#include "classifier/reason.h"
#include "mail/referral.h"
#include "mail/source.h"
#include "tests/test_loop.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {
namespace {

// Knows addresses of one domain, and refers the others to `service`.
class ScriptedSource final : public Source {
 public:
  ScriptedSource(Loop& loop, std::string domain, std::string service)
      : Source(loop), domain_(std::move(domain)), service_(std::move(service)) {}

  boost::asio::awaitable<void> Begin(ProbeRequest request, Answer answer, Accepted /*accepted*/) override {
    asked.push_back(request.address.Key());
    if (request.referral != nullptr) referred_to = request.referral->service;
    ProbeOutcome outcome;
    outcome.identity = request.identity;
    outcome.not_mine = request.address.domain() != domain_;
    if (outcome.not_mine) {
      request.referral = std::make_shared<const Referral>(Referral{.service = service_, .address = request.address});
    }
    outcome.finding = ToFinding(ClassificationOf(Reason::kNoSuchUser, "test"), Stage::kRcpt, "550 no " + domain_,
                                loop().clock().Now());
    outcome.finding.code = 550;
    answer(std::move(request), std::move(outcome));
    co_return;
  }

  std::vector<std::string> asked;
  std::string referred_to;

 private:
  const std::string domain_;
  const std::string service_;
};

TEST(VerifierSourceTest, WhatIsNotForTheFirstSourceIsAskedOfTheNextAndRemembered) {
  TestLoop test;
  Metrics metrics;
  const std::unique_ptr<Cache> cache = Cache::Open(test.loop(), CacheSettings());
  ScriptedSource first(test.loop(), "example.com", "the second");
  ScriptedSource second(test.loop(), "example.net", "nobody");
  Verifier verifier(test.loop(), *cache, {&first, &second}, metrics);
  VerifierSettings settings{
      {}, DomainList(), *ProbeSender::Create("probe@gw.example", "gw.example", absl::ZeroDuration())};
  settings.verify_domains = *DomainList::Create({"*"});
  verifier.Configure(std::make_shared<const VerifierSettings>(settings));
  const auto ask = [&](absl::string_view address) {
    Question question;
    question.address = *Address::Parse(address);
    question.patience = absl::Hours(1);
    return test.Run(verifier.Verify(question));
  };
  EXPECT_EQ(ask("joe@example.com").finding.text, "550 no example.com");
  EXPECT_TRUE(second.asked.empty());
  EXPECT_EQ(ask("joe@example.net").finding.text, "550 no example.net");
  EXPECT_EQ(second.referred_to, "the second");
  EXPECT_EQ(ask("joe@example.net").source, VerdictSource::kRecord);
  EXPECT_EQ(first.asked, (std::vector<std::string>{"joe@example.com", "joe@example.net"}));
  EXPECT_EQ(second.asked, std::vector<std::string>{"joe@example.net"});
}

}  // namespace
}  // namespace verifyd
