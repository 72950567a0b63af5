// Whole dialogues with labelled ends, played against the real session and classifier.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "classifier/reason.h"
#include "tests/probe/probe_world.h"

namespace verifyd {
namespace {

struct LabelledDialogue {
  const char* id;
  std::vector<std::string> servers;
  Deliverability deliverability;
  Reason reason;
  size_t dialed;
};

TEST(DialogueTest, EndsAsLabelled) {
  const std::string yes = "banner=220 ;; ehlo=250 ;; mail=250 ;; rcpt=250 ;; quit=221";
  for (const LabelledDialogue& dialogue : std::vector<LabelledDialogue>{
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

// The dialogues that need more than a list of servers.
class OneProbeTest : public testing::Test {
 protected:
  Finding Ask(const std::string& script) {
    world_.Servers({script});
    return world_.Probe().finding;
  }
  ProbeOutcome AskCatchAll(const std::string& script) {
    world_.Servers({script});
    ProbeRequest request = world_.Request("joe@example.com");
    request.ask_catch_all = AskCatchAll::kAlways;
    return world_.Probe(std::move(request));
  }
  ProbeWorld world_;
};

TEST_F(OneProbeTest, Dlg012TheImpossibleAddressIsTakenToo) {
  const ProbeOutcome outcome = AskCatchAll("rcpt=250");
  EXPECT_EQ(outcome.finding.reason, Reason::kAccepted);
  EXPECT_EQ(outcome.catch_all, CatchAll::kYes);
}

TEST_F(OneProbeTest, Dlg019TooManyForTheImpossibleAddress) {
  const ProbeOutcome outcome = AskCatchAll("rcpt(joe@example.com)=250 ;; rcpt=452 4.5.3 too many");
  EXPECT_EQ(outcome.finding.deliverability, Deliverability::kDeliverable);
  EXPECT_EQ(outcome.catch_all, CatchAll::kCouldNotTell);
}

TEST_F(OneProbeTest, Dlg020ABlockIsNotAnAnswerAboutEither) {
  const ProbeOutcome outcome = AskCatchAll("rcpt=550 5.7.1 blocked using zen.spamhaus.org");
  EXPECT_EQ(outcome.finding.reason, Reason::kBlockedIp);
  EXPECT_EQ(outcome.catch_all, CatchAll::kNotAsked);
}

TEST_F(OneProbeTest, Dlg021WhoRefusesTheTargetDoesNotTakeAll) {
  const ProbeOutcome outcome = AskCatchAll("rcpt(joe@example.com)=550 5.1.1 User unknown ;; rcpt=250");
  EXPECT_EQ(outcome.finding.reason, Reason::kNoSuchUser);
  EXPECT_EQ(outcome.catch_all, CatchAll::kNo);
}

TEST_F(OneProbeTest, Dlg027Lmtp) {
  world_.settings.transport_maps = {
      *TransportTable::Load("inline:{ {example.com = lmtp:inet:11.0.0.1} }", {.smtp = {"smtp"}})};
  world_.Configure();
  EXPECT_EQ(Ask("lhlo=250 ;; mail=250 ;; rcpt=550 5.1.1 unknown").reason, Reason::kNoSuchUser);
  EXPECT_EQ(world_.dialer.connections().at(0)->endpoint.port, 24);
}

TEST_F(OneProbeTest, Dlg029And030PipeliningOnlyWhereItIsOffered) {
  EXPECT_EQ(Ask("ehlo=250-mx\\n250 PIPELINING").reason, Reason::kAccepted);
  EXPECT_TRUE(world_.dialer.connections().back()->pipelined);
  EXPECT_EQ(Ask("ehlo=250-mx\\n250 HELP").reason, Reason::kAccepted);
  EXPECT_FALSE(world_.dialer.connections().back()->pipelined);
}

TEST_F(OneProbeTest, Dlg031To034Starttls) {
  EXPECT_EQ(Ask("ehlo=250-mx\\n250 STARTTLS ;; starttls=220 go").reason, Reason::kAccepted);
  EXPECT_TRUE(world_.dialer.connections().back()->tls);
  EXPECT_EQ(Ask("mail=530 Must issue a STARTTLS command first ;; mail=250").reason, Reason::kAccepted);
  EXPECT_TRUE(world_.dialer.connections().back()->tls);
  EXPECT_EQ(Ask("ehlo=250-mx\\n250 STARTTLS ;; handshake={fail}").reason, Reason::kAccepted);
  EXPECT_FALSE(world_.dialer.connections().back()->tls);
  world_.settings.tls_level = TlsLevel::kEncrypt;
  world_.Configure();
  EXPECT_EQ(Ask("ehlo=250-mx\\n250 STARTTLS ;; handshake={fail}").reason, Reason::kTlsPolicyFailed);
}

TEST_F(OneProbeTest, Dlg043TwoDomainsOfOneMxShareAConnectionButNoTransaction) {
  world_.settings.connection_idle_time = absl::Seconds(2);
  world_.Configure();
  world_.Servers({""});
  world_.resolver.SetMx("example.net", {{10, "mx1.example.com"}});
  EXPECT_EQ(world_.Probe("a@example.com").finding.reason, Reason::kAccepted);
  EXPECT_EQ(world_.Probe("b@example.net").finding.reason, Reason::kAccepted);
  EXPECT_EQ(world_.dialer.dialed(), 1U);
  EXPECT_EQ(world_.dialer.connections().at(0)->commands.at(3), "RSET");
}

TEST_F(OneProbeTest, Dlg046And047And054TheTargetData) {
  world_.settings.smtp_asks_data = true;
  world_.Configure();
  EXPECT_EQ(Ask("data=354 go").reason, Reason::kAcceptedData);
  EXPECT_EQ(world_.dialer.connections().back()->commands.back(), "DATA");
  EXPECT_EQ(Ask("rcpt=450 4.2.0 later").deliverability, Deliverability::kUnknown);
  EXPECT_THAT(world_.dialer.connections().back()->commands, testing::Not(testing::Contains("DATA")));
  EXPECT_EQ(Ask("data=550 5.7.1 rejected by policy").reason, Reason::kBlockedPolicy);
}

TEST_F(OneProbeTest, Dlg048ARelayThatDoesNotRelayIsNoVerdict) {
  world_.settings.relayhost = NextHop::Parse("[11.0.0.1]").value();
  world_.Configure();
  const Finding finding = Ask("rcpt=550 relay not permitted");
  EXPECT_EQ(finding.reason, Reason::kRelayDenied);
  EXPECT_EQ(finding.deliverability, Deliverability::kUnknown);
}

TEST_F(OneProbeTest, Dlg038WhatWasSaidBeforeTheServerHadEnoughIsKept) {
  world_.settings.public_pace.connections = 1;
  world_.Configure();
  world_.Servers({"rcpt=550 5.1.1 User unknown ;; rcpt(3@example.com)=550 5.7.1 Too many invalid recipients{eof}"});
  std::vector<std::shared_ptr<std::optional<ProbeOutcome>>> outcomes;
  outcomes.reserve(4);
  for (int i = 0; i < 4; ++i) outcomes.push_back(world_.Start(world_.Request(absl::StrCat(i, "@example.com"))));
  world_.test.Advance(absl::Seconds(10));
  for (int i = 0; i < 3; ++i) EXPECT_EQ((*outcomes[static_cast<size_t>(i)])->finding.reason, Reason::kNoSuchUser) << i;
  EXPECT_EQ((*outcomes[3])->finding.deliverability, Deliverability::kUnknown);
}

TEST_F(OneProbeTest, Dlg053EachAddressOfATransactionHasItsOwnAnswer) {
  world_.settings.public_pace.connections = 1;
  world_.settings.connection_idle_time = absl::Seconds(2);
  world_.Configure();
  world_.Servers(
      {"ehlo=250-mx\\n250 PIPELINING ;; rcpt(1@example.com)=550 5.1.1 User unknown ;; "
       "rcpt(2@example.com)=452 4.5.3 Too many recipients ;; rcpt(2@example.com)=250 Ok"});
  std::vector<std::shared_ptr<std::optional<ProbeOutcome>>> outcomes;
  outcomes.reserve(3);
  for (int i = 0; i < 3; ++i) outcomes.push_back(world_.Start(world_.Request(absl::StrCat(i, "@example.com"))));
  world_.test.Advance(absl::Seconds(10));
  EXPECT_EQ((*outcomes[0])->finding.reason, Reason::kAccepted);
  EXPECT_EQ((*outcomes[1])->finding.reason, Reason::kNoSuchUser);
  EXPECT_EQ((*outcomes[2])->finding.reason, Reason::kAccepted) << "asked again in a transaction of its own";
}

TEST_F(OneProbeTest, EachAddressOfATransactionIsMarkedInItsOwnAnswer) {
  world_.settings.public_pace.connections = 1;
  world_.Configure();
  world_.Servers(
      {"ehlo=250-mx\\n250 PIPELINING ;; rcpt(ptr@example.com)=550 5.1.1 Mailbox <ptr> does not exist ;; "
       "rcpt(spf@example.com)=550 5.1.1 Mailbox <spf> does not exist ;; rcpt=250 Ok"});
  std::vector<std::shared_ptr<std::optional<ProbeOutcome>>> outcomes;
  for (const absl::string_view local : {"joe", "ptr", "spf"}) {
    outcomes.push_back(world_.Start(world_.Request(absl::StrCat(local, "@example.com"))));
  }
  world_.test.Advance(absl::Seconds(10));
  EXPECT_EQ((*outcomes[0])->finding.reason, Reason::kAccepted);
  EXPECT_EQ((*outcomes[1])->finding.reason, Reason::kNoSuchUser);
  EXPECT_EQ((*outcomes[2])->finding.reason, Reason::kNoSuchUser);
}

// Tests events: time-outs, lost connections, and lines that are no replies.
TEST(EventTest, EachHasItsReasonAndNoneMakesAnAddressUndeliverable) {
  struct Row {
    const char* script;
    Reason reason;
  };
  for (const Row& row : {Row{"{refused}", Reason::kConnectRefused},
                         {"{timeout}", Reason::kConnectTimeout},
                         {"{unreachable}", Reason::kConnectUnreachable},
                         {"{reset}", Reason::kConnectReset},
                         {"{local_error}", Reason::kLocalError},
                         {"banner={timeout}", Reason::kBannerTimeout},
                         {"banner={eof}", Reason::kConnectionDropped},
                         {"ehlo={eof}", Reason::kConnectionDropped},
                         {"ehlo={timeout}", Reason::kEhloTimeout},
                         {"mail={eof}", Reason::kConnectionDropped},
                         {"mail={timeout}", Reason::kMailTimeout},
                         {"rcpt={eof}", Reason::kConnectionDropped},
                         {"rcpt={timeout}", Reason::kRcptTimeout},
                         {"banner=SSH-2.0-OpenSSH_9.6", Reason::kNotSmtp}}) {
    ProbeWorld world;
    world.Servers({row.script});
    const Finding finding = world.Probe().finding;
    EXPECT_EQ(ReasonName(finding.reason), ReasonName(row.reason)) << row.script;
    EXPECT_EQ(finding.deliverability, Deliverability::kUnknown) << row.script;
  }
  ProbeWorld data;
  data.settings.smtp_asks_data = true;
  data.Configure();
  data.Servers({"data={eof}"});
  EXPECT_EQ(data.Probe().finding.reason, Reason::kConnectionDropped);
  ProbeWorld long_line;
  long_line.Servers({absl::StrCat("banner=220 ", std::string(size_t{1024} * 1024, 'x'))});
  EXPECT_EQ(long_line.Probe().finding.reason, Reason::kProtocolError);
}

TEST(EventTest, WhatComesBehindTheAnswerChangesNothing) {
  for (const char* script : {"quit={timeout}", "quit={eof}", "quit=421 4.4.2 timeout exceeded", "quit=502 5.5.2 what?",
                             "rset={eof}", "rset=421 bye"}) {
    ProbeWorld world;
    world.Servers({script});
    EXPECT_EQ(world.Probe().finding.reason, Reason::kAccepted) << script;
    world.test.Advance(absl::Minutes(10));
    EXPECT_EQ(world.dialer.open_now(), 0U) << script;
  }
}

// The labelled replies of the project's shared corpus, where it lies beside the source: a server says each at its
// stage, and the probe must end as labelled.
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
    // Some rows quote only the beginning of a reply; here it has an end.
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
