#include "classifier/stock_report.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "mail/address.h"

namespace verifyd {
namespace {

Finding Judged(RecipientStatus status, absl::string_view text) {
  return JudgeStockReport(*Classifier::BuiltIn(), status, text, Marks{}, absl::UnixEpoch());
}

TEST(StockReportTest, WhatWasAcceptedIsDeliverable) {
  const Finding finding = Judged(RecipientStatus::kOk, "250 2.1.5 Ok");
  EXPECT_EQ(finding.deliverability, Deliverability::kDeliverable);
  EXPECT_EQ(finding.enhanced.ToString(), "2.1.5");
  EXPECT_EQ(finding.text, "250 2.1.5 Ok");
  EXPECT_EQ(finding.mx_name, "verify");
  EXPECT_EQ(finding.mx_address, "update");
  EXPECT_EQ(Judged(RecipientStatus::kOk, "delivers to mailbox").deliverability, Deliverability::kDeliverable);
}

TEST(StockReportTest, AnUnknownUserIsUndeliverable) {
  for (const absl::string_view text :
       {"host mx.example.com[192.0.2.1] said: 550 5.1.1 User unknown (in reply to RCPT TO command)",
        "unknown user: \"joe\""}) {
    const Finding finding = Judged(RecipientStatus::kBounce, text);
    EXPECT_EQ(finding.deliverability, Deliverability::kUndeliverable) << text;
    EXPECT_EQ(finding.reason, Reason::kNoSuchUser) << text;
  }
}

TEST(StockReportTest, ARefusalAboutUsIsNot) {
  for (const absl::string_view text :
       {"host mx.example.com[192.0.2.1] said: 554 5.7.1 Client host blocked using zen.spamhaus.org (in reply to RCPT "
        "TO "
        "command)",
        // A reply to MAIL FROM is about us, whatever its words.
        "host mx.example.com[192.0.2.1] said: 550 5.1.1 User unknown (in reply to MAIL FROM command)",
        "host mx.example.com[192.0.2.1] said: 550 5.1.1 User unknown (in reply to EHLO command)",
        "host mx.example.com[192.0.2.1] refused to talk to me: 550 5.1.1 User unknown"}) {
    const Finding finding = Judged(RecipientStatus::kBounce, text);
    EXPECT_EQ(finding.deliverability, Deliverability::kUnknown) << text;
    EXPECT_EQ(finding.scope, Scope::kUs) << text;
  }
}

TEST(StockReportTest, WordsOfTheAddressNameNoStageAndNoReason) {
  for (const absl::string_view local : {"x (in reply to MAIL FROM command)", "x refused to talk to me: y",
                                        "x said: 550 5.7.1 relay access denied", "x members only"}) {
    const Address address = *Address::FromUnquoted(absl::StrCat(local, "@example.com"));
    for (const std::string& shown : {address.Key(), address.ToSmtp()}) {
      const Finding finding = JudgeStockReport(
          *Classifier::BuiltIn(), RecipientStatus::kBounce,
          absl::StrCat("host mx.example.com[192.0.2.1] said: 550 5.1.1 <", shown,
                       ">: Recipient address rejected: User unknown in local table (in reply to RCPT TO command)"),
          Marks{.recipient = &address}, absl::UnixEpoch());
      EXPECT_EQ(finding.stage, Stage::kRcpt) << shown;
      // Where the local part has words of Postfix's own, they may be Postfix's or the address's.
      EXPECT_EQ(finding.scope, Scope::kAddress) << shown;
      EXPECT_TRUE(finding.reason == Reason::kNoSuchUser || finding.deliverability == Deliverability::kUnknown) << shown;
    }
  }
}

TEST(StockReportTest, WhatIsDeferredIsTemporaryWhateverItQuotes) {
  EXPECT_EQ(Judged(RecipientStatus::kDefer, "host mx[192.0.2.1] said: 550 User unknown").deliverability,
            Deliverability::kUnknown);
  const Finding finding = Judged(RecipientStatus::kDefer, "connect to mx.example.com[192.0.2.1]:25: No route to host");
  EXPECT_EQ(finding.reason, Reason::kConnectUnreachable);
  EXPECT_EQ(finding.stage, Stage::kConnect);
}

TEST(StockReportTest, AConnectionThatWasRefusedWasCalledUnreachable) {
  const auto reason = [](absl::string_view why) {
    return Judged(RecipientStatus::kDefer, absl::StrCat("connect to mx.example.com[192.0.2.1]:25: ", why)).reason;
  };
  EXPECT_EQ(reason("Connection refused"), Reason::kConnectRefused);
  EXPECT_EQ(reason("Connection timed out"), Reason::kConnectTimeout);
  EXPECT_EQ(reason("Connection reset by peer"), Reason::kConnectReset);
  EXPECT_EQ(reason("Network is unreachable"), Reason::kConnectUnreachable);
}

TEST(StockReportTest, TheTextIsMadePrintableAndCut) {
  EXPECT_EQ(Judged(RecipientStatus::kOk, "a\tb\xff").text, "a?b?");
  EXPECT_EQ(Judged(RecipientStatus::kBounce, std::string(3000, 'x')).text.size(), Finding::kMaxText);
}

}  // namespace
}  // namespace verifyd
