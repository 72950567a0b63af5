// The verifier asks any kind of source.
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

class VerifierSourceTest : public testing::Test {
 protected:
  VerifierSourceTest() {
    VerifierSettings settings{
        {}, DomainList(), *ProbeSender::Create("probe@gw.example", "gw.example", absl::ZeroDuration())};
    settings.verify_domains = *DomainList::Create({"*"});
    verifier_.Configure(std::make_shared<const VerifierSettings>(settings));
  }
  static Question QuestionOf(absl::string_view address) {
    Question question;
    question.address = *Address::Parse(address);
    question.patience = absl::Hours(1);
    return question;
  }
  Verdict Ask(absl::string_view address) { return test_.Run(verifier_.Verify(QuestionOf(address))); }

  TestLoop test_;
  Metrics metrics_;
  const std::unique_ptr<Cache> cache_ = Cache::Open(test_.loop(), CacheSettings());
  ScriptedSource first_{test_.loop(), "example.com", "the second"};
  ScriptedSource second_{test_.loop(), "example.net", "nobody"};
  Verifier verifier_{test_.loop(), *cache_, {&first_, &second_}, metrics_};
};

TEST_F(VerifierSourceTest, WhatIsNotForTheFirstSourceIsAskedOfTheNextAndRemembered) {
  EXPECT_EQ(Ask("joe@example.com").finding.text, "550 no example.com");
  EXPECT_TRUE(second_.asked.empty());
  EXPECT_EQ(Ask("joe@example.net").finding.text, "550 no example.net");
  EXPECT_EQ(second_.referred_to, "the second");
  EXPECT_EQ(Ask("joe@example.net").source, VerdictSource::kRecord);
  EXPECT_EQ(first_.asked, (std::vector<std::string>{"joe@example.com", "joe@example.net"}));
  EXPECT_EQ(second_.asked, std::vector<std::string>{"joe@example.net"});
}

TEST_F(VerifierSourceTest, AProbeThatLandedAfterTheReadingWasMadeOnceMore) {
  const Question question = QuestionOf("joe@example.com");
  auto held = std::make_unique<const Held>(verifier_.Find(question.address));
  Ask("joe@example.com");
  EXPECT_EQ(test_.Run(verifier_.Verify(question, std::move(held))).source, VerdictSource::kRecord);
  EXPECT_EQ(first_.asked, std::vector<std::string>{"joe@example.com"});
}

}  // namespace
}  // namespace verifyd
