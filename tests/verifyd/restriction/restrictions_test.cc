// The parts of restrictions that the plays (tests/scenario) do not show: the language, and whose budget a probe uses.
#include "verifyd/restriction/restrictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/verifyd/rooms_test.h"
#include "verifyd/door/access_action.h"
#include "verifyd/history/decision_log.h"

namespace verifyd {
namespace {

// A server of example.com that accepts all, after a second; two new addresses a minute for each client.
class RestrictionsTest : public RoomsTest {
 protected:
  RestrictionsTest() {
    AddServer("example.com", "rcpt={wait 1s}250 Ok");
    ConfigureRooms({{"verify_domains", "*"}, {"client_new_probe_rate_limit", "2"}});
  }

  Evaluation Begin(absl::string_view recipient) {
    return restrictions_.Begin({.protocol_state = "RCPT", .client_address = "192.0.2.7", .recipient = recipient},
                               /*memory_only=*/false);
  }
  // Returns the text of a refusal; empty: nothing is refused.
  std::string Ask(absl::string_view recipient) {
    Evaluation evaluation = Begin(recipient);
    if (evaluation.settled()) return evaluation.ruling().decision.text;
    return test_.Run(restrictions_.Finish(std::move(evaluation))).decision.text;
  }

  boost::asio::awaitable<void> Count(Evaluation evaluation) {
    const Ruling ruling = co_await restrictions_.Finish(std::move(evaluation));
    refused_ += ruling.decision.refuses() ? 1 : 0;
    ++answered_;
  }

  int answered_ = 0;
  int refused_ = 0;
};

constexpr char kTooMany[] = "unverified address: Too many address verification requests";

TEST_F(RestrictionsTest, BeyondTheBudgetNewAddressesAreDeferredAndKnownOnesAnswered) {
  EXPECT_EQ(Ask("a@example.com"), "");
  EXPECT_EQ(Ask("b@example.com"), "");
  EXPECT_EQ(Ask("c@example.com"), kTooMany);
  EXPECT_EQ(Ask("a@example.com"), "");
  test_.Advance(absl::Minutes(1));
  EXPECT_EQ(Ask("c@example.com"), "");
}

TEST_F(RestrictionsTest, WhoJoinsAProbeInTheAirDoesNotPayForIt) {
  // All begin before the first probe starts.
  for (int i = 0; i < 10; ++i) test_.loop().Spawn(Count(Begin("a@example.com")));
  test_.Advance(absl::Seconds(10));
  EXPECT_EQ(answered_, 10);
  EXPECT_EQ(refused_, 0);
  EXPECT_EQ(Ask("b@example.com"), "");
  EXPECT_EQ(Ask("c@example.com"), kTooMany);
}

TEST_F(RestrictionsTest, WhatIsNoAddressOfADomainThatIsVerifiedIsRefusedAndNobodyIsAsked) {
  ConfigureRooms({{"verify_domains", "example.com"}, {"unverified_recipient_reject_code", "550"}});
  const auto refusal = [&](absl::string_view recipient) {
    Evaluation evaluation = Begin(recipient);
    EXPECT_TRUE(evaluation.settled()) << recipient;
    return AccessAction(evaluation.ruling());
  };
  EXPECT_EQ(refusal("j\xF6rg@Example.com"),
            "550 5.1.3 undeliverable address: bad address syntax: byte 1: found octet 0xF6, expected a printable "
            "character of UTF-8");
  EXPECT_EQ(refusal("j\x01rg@example.com").substr(0, 58), "550 5.1.3 undeliverable address: bad address syntax: byte ");
  EXPECT_EQ(refusal(std::string(600, 'x') + "@example.com").substr(0, 9), "550 5.1.3");
  // Not a domain of ours, no domain, and no address.
  EXPECT_EQ(refusal("j\x01rg@elsewhere.example"), "");
  EXPECT_EQ(refusal("j\x01rg@example..com"), "");
  EXPECT_EQ(refusal("j\x01rg"), "");
  EXPECT_EQ(refusal(""), "");
  EXPECT_EQ(prober_.counts().probes, 0U);
}

TEST_F(RestrictionsTest, WhyNobodyWasAskedIsInTheLog) {
  ConfigureRooms({{"verify_domains", "example.com"}});
  const auto logged = [&](absl::string_view recipient) {
    const MailRequest request{.protocol_state = "RCPT", .recipient = recipient};
    Evaluation evaluation = restrictions_.Begin(request, /*memory_only=*/false);
    EXPECT_EQ(evaluation.ruling().decision.kind, DecisionKind::kDunno) << recipient;
    return DecisionLine(request, evaluation.ruling(), absl::ZeroDuration());
  };
  EXPECT_THAT(logged(""), testing::StartsWith("action=dunno result=not_asked reason=no_recipient "));
  EXPECT_THAT(logged("j\x01rg"), testing::StartsWith("action=dunno result=not_asked reason=no_address "));
  EXPECT_THAT(logged("postmaster@example.com"),
              testing::StartsWith("action=dunno result=not_asked reason=required_mailbox "));
}

TEST_F(RestrictionsTest, WhatIsNoAddressIsDecidedOnAsAllThatIsUndeliverable) {
  const auto ruling = [&](const std::vector<std::pair<std::string, std::string>>& settings) {
    std::vector<std::pair<std::string, std::string>> all = {{"verify_domains", "example.com"}};
    all.insert(all.end(), settings.begin(), settings.end());
    ConfigureRooms(all);
    return Begin("j\x01rg@example.com").ruling();
  };
  EXPECT_THAT(AccessAction(ruling({})), testing::StartsWith("DEFER_IF_PERMIT 4.1.3 unverified address: bad address"));
  EXPECT_EQ(AccessAction(ruling({{"decision_table", "inline:{ bad_address_syntax=permit }"}})), "");
  EXPECT_FALSE(ruling({{"dry_run_domains", "example.com"}}).decision.refuses());
  EXPECT_TRUE(ruling({{"dry_run_domains", "example.com"}}).warning.has_value());
  EXPECT_FALSE(ruling({{"recipient_restrictions", "warn_if_reject reject_unverified_recipient"}}).decision.refuses());
  cache_->PutPin("@example.com", {.deliverability = Deliverability::kDeliverable, .set_at = test_.clock().Now()});
  EXPECT_FALSE(ruling({}).decision.refuses()) << "the operator's word is above all";
}

TEST_F(RestrictionsTest, OfASenderThatIsNoAddressNothingIsSaid) {
  ConfigureRooms({{"verify_domains", "example.com"}, {"sender_restrictions", "reject_unverified_sender"}});
  Evaluation evaluation =
      restrictions_.Begin({.protocol_state = "MAIL", .sender = "j\x01rg@example.com"}, /*memory_only=*/false);
  ASSERT_TRUE(evaluation.settled());
  EXPECT_FALSE(evaluation.ruling().decision.refuses());
}

TEST_F(RestrictionsTest, ALocalPartOfMoreThan64OctetsIsAskedAbout) {
  AddServer("long.example", "rcpt=550 5.1.1 User unknown");
  EXPECT_THAT(Ask(std::string(65, 'x') + "@long.example"), testing::HasSubstr("User unknown"));
  EXPECT_THAT(Ask(std::string(480, 'x') + "@long.example"), testing::HasSubstr("User unknown"));
}

// Lists of restrictions, and the words in which a policy service hears of them. The domain known.test verifies well,
// and "nobody" is no user of it.
class LanguageTest : public RoomsTest {
 protected:
  LanguageTest() {
    AddServer("known.test", "rcpt(nobody@known.test)=550 5.1.1 User unknown");
    AddServer("elsewhere.test", "rcpt(nobody@elsewhere.test)=550 5.1.1 User unknown");
    request_ = {.protocol_state = "RCPT",
                .client_address = "192.0.2.7",
                .client_name = "mail.client.test",
                .helo_name = "mail.client.test",
                .sender = "someone@known.test",
                .recipient = "joe@known.test"};
  }

  using Settings = std::vector<std::pair<std::string, std::string>>;
  void Configure(const std::string& list, Settings settings = {}) {
    settings.insert(settings.begin(), {{"verify_domains", "known.test"},
                                       {"unverified_recipient_reject_code", "550"},
                                       {"unverified_sender_reject_code", "550"},
                                       {"recipient_restrictions", list}});
    ConfigureRooms(settings);
  }
  Ruling Rule() {
    Evaluation evaluation = restrictions_.Begin(request_, /*memory_only=*/false);
    return evaluation.settled() ? evaluation.ruling() : test_.Run(restrictions_.Finish(std::move(evaluation)));
  }
  std::string Ask() { return AccessAction(Rule()); }
  // Returns the answer to the request under this list.
  std::string Under(const std::string& list, const Settings& settings = {}) {
    Configure(list, settings);
    return Ask();
  }

  MailRequest request_;
};

TEST_F(LanguageTest, TheFirstDecisionWins) {
  EXPECT_EQ(Under("permit, reject"), "");
  EXPECT_EQ(Under("reject permit"), "554 5.7.1 Access denied");
  EXPECT_EQ(Under("defer, reject"), "450 4.3.2 Try again later");
  EXPECT_EQ(Under("dunno, reject"), "554 5.7.1 Access denied");
  EXPECT_EQ(Under(""), "");
}

TEST_F(LanguageTest, APermitEndsItsListAndNotTheNextOne) {
  EXPECT_EQ(Under("reject", {{"sender_restrictions", "permit"}}), "554 5.7.1 Access denied");
  EXPECT_EQ(Under("permit", {{"sender_restrictions", "reject"}}),
            "554 5.7.1 <someone@known.test>: Sender address rejected: Access denied");
}

TEST_F(LanguageTest, WarnIfRejectIsOfTheNextRestrictionOnly) {
  EXPECT_EQ(Under("warn_if_reject reject, permit"), "WARN would reject: 554 5.7.1 Access denied");
  EXPECT_EQ(Under("warn_if_reject reject, defer"), "450 4.3.2 Try again later");
  EXPECT_EQ(
      Under("warn_if_reject strict", {{"restriction_classes", "strict"}, {"strict_restrictions", "defer, reject"}}),
      "WARN would defer: 450 4.3.2 Try again later");
}

TEST_F(LanguageTest, ADeferralThatDependsOnTheRestIsSettledAtTheEnd) {
  EXPECT_EQ(Under("defer_if_permit, permit"), "DEFER_IF_PERMIT 4.7.0 defer_if_permit requested");
  EXPECT_EQ(Under("defer_if_permit, reject"), "554 5.7.1 Access denied");
  EXPECT_EQ(Under("defer_if_reject, reject"), "450 4.7.0 defer_if_reject requested");
  EXPECT_EQ(Under("defer_if_reject, permit"), "");
}

TEST_F(LanguageTest, ClientsOfOursAndUsersWhoLoggedInArePermitted) {
  EXPECT_EQ(Under("permit_mynetworks, reject"), "554 5.7.1 Access denied");
  EXPECT_EQ(Under("permit_mynetworks, reject", {{"mynetworks", "192.0.2.0/24"}}), "");
  EXPECT_EQ(Under("permit_sasl_authenticated, reject"), "554 5.7.1 Access denied");
  request_.sasl_username = "joe";
  EXPECT_EQ(Under("reject", {{"submission_restrictions", "permit_sasl_authenticated, reject"}}), "");
}

TEST_F(LanguageTest, WhatClientsCallThemselvesIsChecked) {
  for (const char* good :
       {"mail.client.test", "mail.client.test.", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]", "192.0.2.1", ""}) {
    request_.helo_name = good;
    EXPECT_EQ(Under("reject_invalid_helo_hostname"), "") << good;
  }
  for (const char* bad : {"a..b", "-a.test", "a b", "a_b!"}) {
    request_.helo_name = bad;
    EXPECT_EQ(Under("reject_invalid_helo_hostname"),
              absl::StrCat("501 5.5.2 <", bad, ">: Helo command rejected: Invalid name"));
  }
  request_.helo_name = "[192.0.2.300]";
  EXPECT_EQ(Under("reject_invalid_helo_hostname"),
            "501 5.5.2 <[192.0.2.300]>: Helo command rejected: invalid ip address");
  request_.helo_name = "localhost";
  EXPECT_EQ(Under("reject_non_fqdn_helo_hostname"),
            "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname");
}

TEST_F(LanguageTest, AddressesNeedWholeDomains) {
  EXPECT_EQ(Under("reject_non_fqdn_sender, reject_non_fqdn_recipient"), "");
  request_.recipient = "joe@known";
  EXPECT_EQ(Under("reject_non_fqdn_recipient"), "504 5.5.2 need fully-qualified address");
  request_.recipient = "joe@[192.0.2.1]";
  EXPECT_EQ(Under("reject_non_fqdn_recipient"), "");
  request_.recipient = "joe";
  EXPECT_EQ(Under("reject_non_fqdn_recipient", {{"non_fqdn_reject_code", "450"}}),
            "450 4.5.2 need fully-qualified address");
  request_.sender = "joe@known";
  EXPECT_EQ(Under("reject_non_fqdn_sender"),
            "504 5.5.2 <joe@known>: Sender address rejected: need fully-qualified address");
  request_.sender = "";
  EXPECT_EQ(Under("reject_non_fqdn_sender"), "");
}

TEST_F(LanguageTest, DomainsWithoutMailAreUnknown) {
  EXPECT_EQ(Under("reject_unknown_sender_domain, reject_unknown_recipient_domain"), "");
  request_.sender = "joe@gone.test";
  EXPECT_EQ(Under("reject_unknown_sender_domain"),
            "450 4.1.8 <joe@gone.test>: Sender address rejected: Domain not found");
  EXPECT_EQ(Under("reject_unknown_sender_domain", {{"unknown_address_reject_code", "550"}}),
            "550 5.1.8 <joe@gone.test>: Sender address rejected: Domain not found");
  EXPECT_EQ(Under("reject_unknown_sender_domain", {{"mydestination", "gone.test"}}), "");
  resolver_.SetAddresses("host.test", {"11.0.0.9"});
  request_.sender = "joe@host.test";
  EXPECT_EQ(Under("reject_unknown_sender_domain"), "");
  resolver_.SetMx("null.test", {{0, ""}});
  request_.recipient = "joe@null.test";
  EXPECT_EQ(Under("reject_unknown_recipient_domain"), "556 5.1.10 Domain null.test does not accept mail (nullMX)");
  resolver_.Fail("slow.test", DnsType::kMx, DnsStatus::kServfail);
  request_.recipient = "joe@slow.test";
  EXPECT_EQ(Under("reject_unknown_recipient_domain"), "DEFER_IF_PERMIT 4.1.2 Domain not found");
}

TEST_F(LanguageTest, AListedClientIsRefusedAndAListThatFailsListsNobody) {
  resolver_.SetAddresses("7.2.0.192.bl.test", {"127.0.0.4"});
  DnsAnswer why;
  why.status = DnsStatus::kOk;
  why.texts = {"see http://bl.test/"};
  resolver_.Set("7.2.0.192.bl.test", DnsType::kTxt, why);
  const std::string refused = "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using bl.test";
  EXPECT_EQ(Under("reject_rbl_client bl.test"), refused + "; see http://bl.test/");
  EXPECT_EQ(Under("reject_rbl_client bl.test=127.0.0.[2..4]"), refused + "; see http://bl.test/");
  EXPECT_EQ(Under("reject_rbl_client bl.test=127.0.0.2"), "");
  EXPECT_EQ(Under("reject_rbl_client other.test"), "");
  resolver_.Fail("7.2.0.192.down.test", DnsType::kA, DnsStatus::kServfail);
  EXPECT_EQ(Under("reject_rbl_client down.test"), "");
}

TEST_F(LanguageTest, DisposableDomainsAreRefusedWithAllBelowThem) {
  const Settings settings = {{"disposable_domains", "inline:{ throwaway.test = yes, shared.test = yes }"},
                             {"disposable_domain_exceptions", "inline:{ good.shared.test = yes }"}};
  request_.sender = "x@a.b.throwaway.test";
  EXPECT_EQ(Under("reject_disposable_sender", settings),
            "554 5.7.1 <x@a.b.throwaway.test>: Sender address rejected: Disposable addresses are not accepted");
  request_.sender = "x@mail.good.shared.test";
  EXPECT_EQ(Under("reject_disposable_sender", settings), "");
  request_.recipient = "x@THROWAWAY.test";
  EXPECT_EQ(Under("reject_disposable_recipient", settings), "554 5.7.1 Disposable addresses are not accepted");
  EXPECT_EQ(Under("reject_disposable_recipient"), "");
  request_.recipient = "x@shop.co.uk";
  EXPECT_EQ(Under("reject_disposable_recipient", {{"disposable_domains", "inline:{ co.uk = yes }"}}), "")
      << "a whole registry";
}

TEST_F(LanguageTest, AboveItsRateAClientGetsTheActionUntilThePeriodIsOver) {
  Configure("rate_limit { client_address/2/1m/450 4.7.1 too many }");
  EXPECT_EQ(Ask(), "");
  EXPECT_EQ(Ask(), "");
  EXPECT_EQ(Ask(), "450 4.7.1 too many");
  request_.client_address = "192.0.2.8";
  EXPECT_EQ(Ask(), "");
  request_.client_address = "192.0.2.7";
  test_.Advance(absl::Minutes(1));
  EXPECT_EQ(Ask(), "");
  Configure("rate_limit sasl_username/1/1h/reject");
  EXPECT_EQ(Ask(), "");
  EXPECT_EQ(Ask(), "") << "nobody is counted who has not logged in";
}

TEST_F(LanguageTest, ATableSaysActionsAndRestrictions) {
  const std::string table = "check_recipient_access inline:{ {joe@known.test = ";
  EXPECT_EQ(Under(table + "OK} }, reject"), "");
  EXPECT_EQ(Under(table + "DUNNO} }, reject"), "554 5.7.1 Access denied");
  EXPECT_EQ(Under(table + "REJECT} }"), "554 5.7.1 Access denied");
  EXPECT_EQ(Under(table + "REJECT 5.2.1 moved away} }"), "554 5.2.1 moved away");
  EXPECT_EQ(Under(table + "550 gone} }"), "550 5.7.1 gone");
  EXPECT_EQ(Under(table + "450} }, reject"), "");
  EXPECT_EQ(Under(table + "DEFER_IF_PERMIT} }"), "DEFER_IF_PERMIT 4.7.1 Service unavailable");
  EXPECT_EQ(Under(table + "HOLD for review} }"), "HOLD for review");
  EXPECT_EQ(Under(table + "HOLD for review} }, reject"), "554 5.7.1 Access denied");
  EXPECT_EQ(Under(table + "permit_mynetworks, reject} }"), "554 5.7.1 Access denied");
  EXPECT_EQ(Under(table + "warn_if_reject reject} }, permit"), "WARN would reject: 554 5.7.1 Access denied");
  EXPECT_EQ(Under("check_recipient_access inline:{ {jane@known.test = REJECT} }"), "");
}

TEST_F(LanguageTest, ARefusalOutOfATableNamesWhatItIsAbout) {
  EXPECT_EQ(Under("check_client_access inline:{ {192.0.2 = REJECT} }"),
            "554 5.7.1 <mail.client.test[192.0.2.7]>: Client host rejected: Access denied");
  EXPECT_EQ(Under("check_helo_access inline:{ {client.test = 550 no} }"),
            "550 5.7.1 <mail.client.test>: Helo command rejected: no");
  request_.sender = "";
  EXPECT_EQ(Under("check_sender_access inline:{ {<> = REJECT} }"),
            "554 5.7.1 <>: Sender address rejected: Access denied");
}

// The text was read by a reader that had gone.
TEST_F(LanguageTest, APatternsTextIsFilledInLongAfterTheSettingsWereRead) {
  const std::string path = absl::StrCat(testing::TempDir(), "/patterns");
  std::ofstream(path) << "/^(nobody|noone)@(.*)$/ REJECT $1 is not at $2\n/^strict@/ strict\n";
  const Settings settings = {{"restriction_classes", "strict"}, {"strict_restrictions", "defer"}};
  const std::string list = absl::StrCat("check_recipient_access re2:", path);
  EXPECT_EQ(Under(list, settings), "");
  request_.recipient = "noone@known.test";
  EXPECT_EQ(Ask(), "554 5.7.1 noone is not at known.test");
  request_.recipient = "strict@known.test";
  EXPECT_EQ(Ask(), "450 4.3.2 Try again later");
}

TEST_F(LanguageTest, SendersOfNamedDomainsOnlyAreVerifiedWhereATableSaysSo) {
  const std::string list = "check_sender_access inline:{ {elsewhere.test = reject_unverified_sender} }";
  request_.sender = "nobody@elsewhere.test";
  EXPECT_THAT(Under("reject_unverified_sender"), testing::IsEmpty()) << "it is none of verify_domains";
  EXPECT_THAT(Under(list), testing::StartsWith("550 5.1.7 undeliverable address: host mx.elsewhere.test"));
  EXPECT_THAT(Under("reject_unverified_sender", {{"sender_verify_domains", "elsewhere.test"}}),
              testing::StartsWith("550 5.1.7 undeliverable address:"));
  EXPECT_EQ(Under("reject_unverified_sender",
                  {{"sender_verify_domains", "*"}, {"unverified_sender_exemptions", "/^nobody@/"}}),
            "");
}

TEST_F(LanguageTest, AClassStandsInListsTablesAndContexts) {
  const Settings settings = {{"restriction_classes", "strict"}, {"strict_restrictions", "reject"}};
  EXPECT_EQ(Under("strict, permit", settings), "554 5.7.1 Access denied");
  EXPECT_EQ(Under("check_recipient_access inline:{ {known.test = strict} }", settings), "554 5.7.1 Access denied");
  EXPECT_EQ(Under("permit", settings), "");
  request_.context = "strict";
  EXPECT_EQ(Under("permit", settings), "554 5.7.1 Access denied");
  EXPECT_EQ(Rule().restriction, "reject");
}

TEST_F(LanguageTest, UsersOfOursHaveRecipientsAnywhereVerified) {
  request_.recipient = "nobody@elsewhere.test";
  EXPECT_EQ(Under("reject_unverified_recipient"), "") << "not ours";
  request_.sasl_username = "joe";
  EXPECT_THAT(Under("reject_unverified_recipient"), testing::StartsWith("550 5.1.1 undeliverable address:"));
  EXPECT_EQ(Under("reject_unverified_recipient", {{"submission_verify_domains", ""}}), "");
  AddServer("busy.test", "rcpt=450 4.2.0 try later");
  request_.recipient = "joe@busy.test";
  EXPECT_EQ(Under("reject_unverified_recipient"), "") << "a queue is better at trying again";
}

TEST_F(LanguageTest, ABackupMxTakesMailWhileThePrimaryIsDown) {
  AddServer("down.test", "{refused}");
  AddServer("busy.test", "rcpt=450 4.2.0 try later");
  const Settings all = {{"verify_domains", "*"}};
  const Settings backup = {{"verify_domains", "*"}, {"backup_mx_domains", "down.test, busy.test"}};
  request_.recipient = "joe@down.test";
  EXPECT_THAT(Under("reject_unverified_recipient", all),
              testing::StartsWith("DEFER_IF_PERMIT 4.1.1 unverified address:"));
  EXPECT_EQ(Under("reject_unverified_recipient", backup), "");
  request_.recipient = "joe@busy.test";
  EXPECT_THAT(Under("reject_unverified_recipient", backup), testing::StartsWith("DEFER_IF_PERMIT")) << "it is not down";
  request_.recipient = "nobody@known.test";
  EXPECT_THAT(Under("reject_unverified_recipient", {{"backup_mx_domains", "known.test"}}), testing::StartsWith("550"));
}

TEST_F(LanguageTest, ADryRunIsOfContextsAndDomains) {
  const std::string warned = "WARN would reject: 554 5.7.1 Access denied";
  EXPECT_EQ(Under("reject", {{"dry_run_domains", "known.test"}}), warned);
  EXPECT_EQ(Under("reject", {{"dry_run_domains", "other.test"}}), "554 5.7.1 Access denied");
  request_.context = "trial";
  EXPECT_EQ(Under("reject", {{"dry_run_contexts", "trial, other"}}), warned);
  EXPECT_EQ(Under("reject"), "554 5.7.1 Access denied");
}

TEST_F(LanguageTest, TheRulingNamesTheRestriction) {
  Configure("warn_if_reject reject, reject_unverified_recipient");
  EXPECT_EQ(Rule().restriction, "reject");
  Configure("check_recipient_access inline:{ {known.test = REJECT} }");
  EXPECT_EQ(Rule().restriction, "check_recipient_access");
  request_.sender = "nobody@elsewhere.test";
  Configure("check_sender_access inline:{ {elsewhere.test = reject_unverified_sender} }");
  EXPECT_EQ(Rule().restriction, "reject_unverified_sender");
  Configure("permit");
  EXPECT_EQ(Rule().restriction, "");
}

}  // namespace
}  // namespace verifyd
