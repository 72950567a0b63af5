// The built-in rules against files of labelled replies: our own, and the shared corpus where it is checked out beside
// the source tree.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "absl/strings/str_split.h"
#include "classifier/classifier.h"
#include "classifier/reason.h"
#include "tests/classifier/labelled_replies.h"

namespace verifyd {
namespace {

struct Agreement {
  size_t rows = 0, status = 0, reason = 0;
  double StatusShare() const { return static_cast<double>(status) / static_cast<double>(rows); }
  double ReasonShare() const { return static_cast<double>(reason) / static_cast<double>(rows); }
};

// Prints every difference. Fails where an address is called undeliverable that the label does not call so.
Agreement Judge(const LabelledReplies& replies) {
  const auto classifier = Classifier::BuiltIn();
  Agreement agreement;
  for (const LabelledReply& row : replies.rows) {
    const Classification result = classifier->Classify(row.stage, row.reply, row.mx_name, Marks{});
    const std::string status(DeliverabilityName(result.deliverability));
    const std::string reason(ReasonName(result.reason));
    ++agreement.rows;
    if (status == row.status) ++agreement.status;
    if (reason == row.reason) ++agreement.reason;
    EXPECT_FALSE(status == "undeliverable" && row.status != "undeliverable")
        << row.id << ": " << row.reply.ToLine() << " is no reason to refuse an address: " << result.rule;
    if (status != row.status || reason != row.reason) {
      std::cout << row.id << " " << StageName(row.stage) << ": " << row.reply.ToLine() << "\n    labelled "
                << row.status << " " << row.reason << ", judged " << status << " " << reason << " by " << result.rule
                << "\n";
    }
  }
  std::cout << agreement.rows << " replies, status right for " << agreement.status << ", reason right for "
            << agreement.reason << "; " << replies.events << " events, " << replies.continued
            << " where the dialogue goes on, " << replies.unreadable << " that are no replies\n";
  return agreement;
}

TEST(CorpusTest, OurOwnLabelledRepliesAreJudgedAsLabelled) {
  const LabelledReplies replies = ReadLabelledReplies(VERIFYD_SOURCE_DIR "/tests/classifier/replies.tsv");
  EXPECT_GE(replies.rows.size(), 60U);
  EXPECT_EQ(replies.unreadable, 0U);
  const Agreement agreement = Judge(replies);
  EXPECT_EQ(agreement.status, agreement.rows);
  EXPECT_EQ(agreement.reason, agreement.rows);
}

TEST(CorpusTest, TheSharedCorpusIsJudgedAsLabelled) {
  const LabelledReplies replies = ReadLabelledReplies(VERIFYD_SOURCE_DIR "/../shared/corpus/replies.tsv");
  if (replies.rows.empty()) return;
  const Agreement agreement = Judge(replies);
  EXPECT_GE(agreement.StatusShare(), 0.95);
  EXPECT_GE(agreement.ReasonShare(), 0.85);
}

TEST(CorpusTest, TheSharedTableOfReasonsIsOurs) {
  std::ifstream file(VERIFYD_SOURCE_DIR "/../shared/corpus/reasons.tsv");
  if (!file) return;
  std::string line;
  std::getline(file, line);
  const auto decision = [](DefaultDecision d) {
    return d == DefaultDecision::kPermit ? "permit" : d == DefaultDecision::kDefer ? "defer" : "reject";
  };
  std::set<std::string> seen;
  while (std::getline(file, line)) {
    const std::vector<std::string> columns = absl::StrSplit(line, '\t');
    ASSERT_EQ(columns.size(), 8U) << line;
    const std::optional<Reason> reason = ReasonFromName(columns[0]);
    ASSERT_TRUE(reason.has_value()) << columns[0];
    const ReasonRow& row = RowOf(*reason);
    EXPECT_EQ(DeliverabilityName(row.deliverability), columns[1]) << columns[0];
    EXPECT_EQ(ScopeName(row.scope), columns[2]) << columns[0];
    EXPECT_EQ(RetryClassName(row.retry), columns[3]) << columns[0];
    EXPECT_EQ(CacheClassName(row.cache_class), columns[4]) << columns[0];
    EXPECT_EQ(decision(row.inbound), columns[5]) << columns[0];
    EXPECT_EQ(decision(row.sender), columns[6]) << columns[0];
    EXPECT_EQ(decision(row.outbound), columns[7]) << columns[0];
    seen.insert(columns[0]);
  }
  EXPECT_EQ(seen.size(), kReasonCount - 1U);  // all but none
}

}  // namespace
}  // namespace verifyd
