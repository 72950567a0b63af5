// Whole dialogues with labelled ends, played against the real session and classifier.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/probe/probe_world.h"
#include "verdict/reason.h"

namespace verifyd {
namespace {

struct Dialogue {
  const char* id;
  std::vector<std::string> servers;
  Deliverability deliverability;
  Reason reason;
  size_t dialed;
};

TEST(DialogueTest, EndsAsLabelled) {
  const std::string yes = "banner=220 ;; ehlo=250 ;; mail=250 ;; rcpt=250 ;; quit=221";
  for (const Dialogue& dialogue : std::vector<Dialogue>{
           {"DLG-001", {yes}, Deliverability::kDeliverable, Reason::kAccepted, 1},
           {"DLG-002", {"rcpt=550 Unknown user"}, Deliverability::kUndeliverable, Reason::kNoSuchUser, 1},
           {"DLG-003", {"rcpt=450 Temporary error"}, Deliverability::kUnknown, Reason::kServerTemporary, 1},
           {"DLG-004", {"rcpt=450", yes}, Deliverability::kDeliverable, Reason::kAccepted, 2},
           {"DLG-005", {"rcpt=450", "rcpt=550 5.1.1"}, Deliverability::kUndeliverable, Reason::kNoSuchUser, 2},
           {"DLG-006", {"rcpt=550 5.1.1", yes}, Deliverability::kUndeliverable, Reason::kNoSuchUser, 1},
           {"DLG-007",
            {"rcpt=550 5.7.1 blocked using zen.spamhaus.org", yes},
            Deliverability::kUnknown,
            Reason::kBlockedIp,
            1},
           {"DLG-008", {"{refused}", "{timeout}", yes}, Deliverability::kDeliverable, Reason::kAccepted, 3},
           {"DLG-009", {"{timeout}", "{timeout}"}, Deliverability::kUnknown, Reason::kConnectTimeout, 2},
           {"DLG-026", {"rcpt={timeout}"}, Deliverability::kUnknown, Reason::kRcptTimeout, 1},
           {"DLG-030", {"ehlo=250-mx\\n250 HELP"}, Deliverability::kDeliverable, Reason::kAccepted, 1}}) {
    ProbeWorld world;
    world.Servers(dialogue.servers);
    const Finding finding = world.Probe().finding;
    EXPECT_EQ(finding.deliverability, dialogue.deliverability) << dialogue.id << ": " << finding.text;
    EXPECT_EQ(ReasonName(finding.reason), ReasonName(dialogue.reason)) << dialogue.id << ": " << finding.text;
    world.test.Advance(absl::Minutes(10));
    EXPECT_EQ(world.dialer.dialed(), dialogue.dialed) << dialogue.id;
    EXPECT_EQ(world.dialer.open_now(), 0U) << dialogue.id;
    for (const auto& connection : world.dialer.connections()) {
      EXPECT_FALSE(connection->pipelined) << dialogue.id;
      EXPECT_THAT(connection->commands, testing::Not(testing::Contains(testing::StartsWith("DATA")))) << dialogue.id;
    }
  }
}

// The labelled replies of the project's shared corpus, where it lies beside the source: each is said by a server at its
// stage, and must end the probe as labelled.
TEST(DialogueTest, LabelledRepliesMeanTheSameInASession) {
  std::ifstream corpus(VERIFYD_SOURCE_DIR "/../shared/corpus/replies.tsv");
  std::string line;
  while (std::getline(corpus, line)) {
    const std::vector<std::string> columns = absl::StrSplit(line, '\t');
    if (columns.size() < 6) continue;
    const std::string& stage = columns[1];
    const bool asked = stage == "banner" || stage == "ehlo" || stage == "mail" || stage == "rcpt";
    // Rows of known providers need their host names; 2yz before RCPT lets the dialogue go on.
    if (!asked || columns[3] == "continue" || !columns[5].empty() || absl::StrContains(columns[2], "{") ||
        absl::StrContains(columns[2], ";;") || absl::StrContains(columns[2], "\\x")) {
      continue;
    }
    if (stage != "rcpt" && columns[2].front() == '2') continue;
    // Some rows quote only how a reply begins; here it has an end.
    std::string reply = columns[2];
    const size_t last_line = reply.rfind("\\n") == std::string::npos ? 0 : reply.rfind("\\n") + 2;
    if (reply.size() > last_line + 3 && reply[last_line + 3] == '-') reply[last_line + 3] = ' ';
    ProbeWorld world;
    std::string script = absl::StrCat(stage, "=", reply);
    if (stage == "ehlo") absl::StrAppend(&script, ";;helo=", reply);
    world.Servers({script});
    const Finding finding = world.Probe().finding;
    EXPECT_EQ(ReasonName(finding.reason), columns[4]) << line << "\n" << finding.text;
    EXPECT_EQ(DeliverabilityName(finding.deliverability), columns[3]) << line << "\n" << finding.text;
  }
}

}  // namespace
}  // namespace verifyd
