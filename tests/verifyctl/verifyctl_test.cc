// verifyctl as an operator runs it: against a daemon's control socket, against the cache of one that does not run, and
// against a settings file.
#include "tests/verifyctl/verifyctl_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "boost/json.hpp"
#include "tests/status_matchers.h"
#include "tests/verifyd/api/api_world.h"
#include "verifyctl/command_line.h"
#include "verifyctl/daemon_asker.h"
#include "verifyctl/exit_code.h"
#include "verifyd/http/control.h"

namespace verifyd {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(VerifyctlTest, CompletionKnowsEveryVerbAndItsOptions) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(Run({"completion", shell}), 0);
    for (const char* word : {"verify", "purge", "completion", "trace", "older", "json"}) {
      EXPECT_THAT(out_, HasSubstr(word)) << shell;
    }
  }
  EXPECT_EQ(Run({"completion", "tcsh"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("found \"tcsh\", expected bash, zsh or fish"));
}

TEST_F(VerifyctlWithDaemonTest, VerifySaysTheStatusAndWhatItRestsOn) {
  EXPECT_EQ(Run({"verify", "joe@example.com"}), kExitDeliverable);
  EXPECT_EQ(out_,
            "joe@example.com: deliverable\n"
            "    source    cache, 5 minutes old\n"
            "    reason    accepted (about the address, at RCPT)\n"
            "    rule      test.rule\n"
            "    server    mx.example.com[198.51.100.1]\n"
            "    text      250 as remembered\n");
  EXPECT_EQ(err_, "");
}

TEST_F(VerifyctlWithDaemonTest, TraceAsksTheServerAndShowsTheDialogue) {
  EXPECT_EQ(Run({"verify", "--trace", "bad@example.com"}), kExitUndeliverable);
  EXPECT_THAT(out_, HasSubstr("source    probe, just now\n"));
  EXPECT_THAT(out_, HasSubstr(" > RCPT TO:<bad@example.com>\n"));
  EXPECT_THAT(out_, HasSubstr(" < 550 5.1.1 User unknown\n"));
}

TEST_F(VerifyctlWithDaemonTest, WhatTheOperatorSetsIsHeldTrueUntilItIsUnset) {
  EXPECT_EQ(Run({"set", "Joe@Example.com", "undeliverable", "--why", "left"}), 0);
  EXPECT_EQ(out_, "joe@example.com: undeliverable (left)\n");
  EXPECT_EQ(Run({"query", "Joe@example.com"}), kExitUndeliverable);
  EXPECT_THAT(out_, HasSubstr("set by the operator"));
  EXPECT_EQ(Run({"set", "@example.com", "deliverable"}), 0);
  EXPECT_EQ(Run({"pins"}), 0);
  EXPECT_EQ(out_, "@example.com: deliverable\njoe@example.com: undeliverable (left)\n");
  EXPECT_EQ(Run({"unset", "Joe@example.com"}), 0);
  EXPECT_EQ(out_, "joe@example.com: not set any more\n");
  EXPECT_EQ(Run({"query", "gone@example.com"}), kExitDeliverable);
  EXPECT_EQ(Run({"unset", "Joe@example.com"}), kExitNotCached);
  EXPECT_THAT(err_, HasSubstr("nothing is set for joe@example.com"));
}

TEST_F(VerifyctlWithDaemonTest, WhatCanNotBeSetIsSaid) {
  EXPECT_EQ(Run({"set", "joe@example.com", "perhaps"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("found \"perhaps\", expected deliverable or undeliverable"));
  EXPECT_EQ(Run({"set", "joe@example.com", "deliverable", "--for", "soon"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("--for: "));
  EXPECT_EQ(Run({"set", "nonsense", "deliverable"}), kExitBadAddress);
  EXPECT_EQ(Run({"set", "@-", "deliverable"}), kExitBadAddress);
  EXPECT_EQ(Run({"set", "joe@example.com"}), kExitUsage);
}

TEST_F(VerifyctlWithDaemonTest, ADomainIsPutOnHoldAndReleased) {
  EXPECT_EQ(Run({"hold", "@example.com", "--for", "2h", "--why", "moving"}), 0);
  EXPECT_THAT(out_, StartsWith("@example.com: on hold until "));
  EXPECT_THAT(out_, EndsWith(" (moving)\n"));
  EXPECT_EQ(Run({"pins"}), 0);
  EXPECT_THAT(out_, StartsWith("@example.com: on hold until "));
  EXPECT_EQ(Run({"query", "new@example.com"}), kExitUnknown);
  EXPECT_THAT(out_, HasSubstr("verification of example.com is on hold\n"));
  EXPECT_EQ(Run({"query", "joe@example.com"}), kExitDeliverable);
  EXPECT_EQ(Run({"release", "@example.com"}), 0);
  EXPECT_EQ(out_, "@example.com: not on hold any more\n");
  EXPECT_EQ(Run({"release", "@example.com"}), kExitNotCached);
  EXPECT_EQ(Run({"hold", "no.such.destination"}), kExitNotCached);
  EXPECT_THAT(
      err_,
      HasSubstr(
          "no destination no.such.destination is known (`verifyctl destinations` shows their names); did you mean "
          "@no.such.destination?"));
}

TEST_F(VerifyctlWithDaemonTest, ADoubtedDestinationIsShownAndTrustedAgain) {
  EXPECT_EQ(Run({"destinations"}), 0);
  EXPECT_EQ(out_, "");
  loop_.Post([this] {
    DestinationState state;
    state.name = "[192.0.2.1]:25";
    state.trust.doubt = Doubt::kCanaryRefused;
    state.trust.doubted_since = absl::FromUnixSeconds(1700000000);
    state.trust.why = "it refuses known@example.com";
    world_.cache().PutDestinationState(state);
  });
  EXPECT_EQ(Run({"destinations", "[192.0.2.1]:25"}), 0);
  EXPECT_THAT(out_, StartsWith("[192.0.2.1]:25: NOT BELIEVED\n    doubt                 it refuses known@example.com\n"
                               "    doubted since         2023-11-14T22:13:20Z ("));
  EXPECT_EQ(Run({"trust", "[192.0.2.1]:25"}), 0);
  EXPECT_EQ(out_, "[192.0.2.1]:25: believed\n");
  EXPECT_EQ(Run({"destinations"}), 0);
  EXPECT_THAT(out_, StartsWith("[192.0.2.1]:25: believed\n"));
  EXPECT_EQ(Run({"trust", "elsewhere"}), kExitNotCached);
}

TEST_F(VerifyctlWithDaemonTest, DomainsSaysWhereVerificationIsUselessAndWhatToDo) {
  loop_.Post([this] {
    DomainFact fact;
    fact.domain = "open.example";
    fact.catch_all = CatchAll::kYes;
    fact.catch_all_when = absl::Now();
    world_.cache().PutDomainFact(fact);
    fact.domain = "unremarkable.example";
    fact.catch_all = CatchAll::kNotAsked;
    fact.alive = absl::Now();
    world_.cache().PutDomainFact(fact);
  });
  EXPECT_EQ(Run({"domains"}), 0);
  EXPECT_THAT(out_, StartsWith("open.example: accepts every address\n"));
  EXPECT_THAT(out_, HasSubstr("smtp_address_verify_target = data"));
  EXPECT_THAT(out_, Not(HasSubstr("unremarkable")));
  EXPECT_EQ(Run({"domains", "--json"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"catch_all\":\"yes\""));
}

TEST_F(VerifyctlWithDaemonTest, HistoryShowsTheLastFindings) {
  EXPECT_EQ(Run({"verify", "--fresh", "bad@example.com"}), kExitUndeliverable);
  EXPECT_EQ(Run({"history", "bad@example.com"}), 0);
  EXPECT_THAT(out_, StartsWith("bad@example.com\n    history               newest first\n"));
  EXPECT_THAT(out_, HasSubstr("undeliverable, no_such_user (550) at RCPT\n"));
  EXPECT_EQ(Run({"history", "nobody@example.com"}), kExitNotCached);
  EXPECT_THAT(out_, HasSubstr("it was never asked about"));
  EXPECT_EQ(Run({"history", "nobody@example.net"}), kExitNotCached);
}

TEST_F(VerifyctlWithDaemonTest, TheExitCodeIsThatOfTheWorst) {
  EXPECT_EQ(Run({"query", "joe@example.com", "new@example.com"}), kExitNotCached);
  EXPECT_THAT(out_, HasSubstr("new@example.com: not cached\n"));
  EXPECT_EQ(Run({"query", "joe@example.com", "gone@example.com", "new@example.com"}), kExitUndeliverable);
  EXPECT_EQ(Run({"query", "gone@example.com", "nonsense"}), kExitBadAddress);
  EXPECT_THAT(out_, HasSubstr("nonsense: not an address\n    byte 8: "));
  EXPECT_EQ(Run({"verify", "--patience", "0s", "slow@example.com"}), kExitUnknown);
  EXPECT_EQ(out_, "slow@example.com: unknown, a probe is under way\n    text      Address verification in progress\n");
}

TEST_F(VerifyctlWithDaemonTest, JsonIsOneObjectALine) {
  EXPECT_EQ(Run({"--json", "query", "joe@example.com", "gone@example.com"}), kExitUndeliverable);
  std::istringstream lines(out_);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_TRUE(boost::json::parse(line).is_object());
  EXPECT_EQ(count, 2);
  // Global options are understood behind the verb, too.
  EXPECT_EQ(Run({"query", "--json", "joe@example.com"}), kExitDeliverable);
  EXPECT_THAT(out_, StartsWith("{\"address\":\"joe@example.com\""));
}

TEST_F(VerifyctlWithDaemonTest, ADashReadsAddressesFromStandardInput) {
  EXPECT_EQ(Run({"query", "-"}, "# ours\n\n  joe@example.com  \ngone@example.com\n"), kExitUndeliverable);
  EXPECT_THAT(out_, HasSubstr("joe@example.com: deliverable\n"));
  EXPECT_THAT(out_, HasSubstr("gone@example.com: undeliverable\n"));
  EXPECT_EQ(Run({"query", "-"}, ""), kExitUsage);
}

TEST_F(VerifyctlWithDaemonTest, AListLongerThanOneCallIsAskedInSeveral) {
  std::string input;
  while (input.size() < 1200000) absl::StrAppend(&input, std::string(500, 'x'), "@example.com\n");
  EXPECT_EQ(Run({"--json", "query", "-"}, input), kExitBadAddress);
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), std::count(input.begin(), input.end(), '\n'));
}

TEST_F(VerifyctlWithDaemonTest, ShowAndDeleteSpeakOfOneAddressAfterTheOther) {
  EXPECT_EQ(Run({"show", "gone@example.com", "new@example.com"}), kExitNotCached);
  EXPECT_THAT(out_, StartsWith("gone@example.com: undeliverable\n"));
  EXPECT_THAT(out_, HasSubstr("    state                 fresh: answers at once\n"));
  EXPECT_EQ(err_, "verifyctl: nothing is held of new@example.com\n");
  EXPECT_EQ(Run({"delete", "gone@example.com"}), 0);
  EXPECT_EQ(out_, "gone@example.com: deleted its record\n");
  EXPECT_EQ(Run({"delete", "gone@example.com"}), kExitNotCached);
  EXPECT_EQ(Run({"show", "\"joe+x y\"@example.com"}), kExitNotCached);
  EXPECT_EQ(err_, "verifyctl: nothing is held of joe+x y@example.com\n");
}

TEST_F(VerifyctlWithDaemonTest, ReportShowsWhatWasDecided) {
  loop_.Post([this] { Refuse(); });
  EXPECT_EQ(Run({"report", "--since", "1h"}), 0);
  EXPECT_THAT(out_, HasSubstr("           1  decisions\n           1  rejected\n"));
  EXPECT_THAT(out_, HasSubstr("\nno_such_user         1         0 "));
  EXPECT_THAT(out_, HasSubstr("    gone@example.com: 550 no\n"));
  EXPECT_THAT(out_, HasSubstr("           1  gone@example.com  no_such_user\n"));
  EXPECT_EQ(Run({"report", "--since", "soon"}), kExitUsage);
}

TEST_F(VerifyctlWithDaemonTest, ShowTellsTheStoryOfARefusalByItsId) {
  std::string id;
  loop_.Post([&] { id = Refuse(); });
  EXPECT_EQ(Run({"report"}), 0);  // runs behind the refusal
  EXPECT_EQ(Run({"show", id}), 0);
  EXPECT_THAT(out_, StartsWith(absl::StrCat(id, ": reject of gone@example.com\n")));
  EXPECT_THAT(out_, HasSubstr("  client        192.0.2.7\n"));
  EXPECT_THAT(out_, HasSubstr("  reply         550 no\n"));
  EXPECT_THAT(out_, HasSubstr("verifyctl set gone@example.com deliverable --for 7d --why"));
  EXPECT_EQ(Run({"show", "AAAAAAAA"}), kExitNotCached);
}

TEST_F(VerifyctlWithDaemonTest, ReplayReportsOnTheRecipientsOfAMailLog) {
  const std::string log =
      "Nov 25 13:00:00 gw postfix/smtp[1]: 4b: to=<gone@example.com>, relay=x, status=sent (250 Ok)\n" +
      std::string(40000, 'x') +
      "\nNov 25 13:00:00 gw postfix/smtp[1]: 4c: to=<joe@example.com>, relay=x, status=sent (250 Ok)\n"
      "Nov 25 13:00:00 gw postfix/smtp[1]: 4d: to=<new@example.com>, relay=x, status=sent (250 Ok)";
  EXPECT_EQ(Run({"replay", "-"}, log), 0);
  EXPECT_THAT(out_, StartsWith("           3  decisions\n"));
  EXPECT_THAT(out_, HasSubstr("           1  deferred\n"));
  EXPECT_THAT(out_, HasSubstr("           1  let through\n           1  not known\n"));
  EXPECT_EQ(Run({"replay", directory_ + "/missing"}), kExitNoInput);
}

TEST_F(VerifyctlWithDaemonTest, LearnTakesInTheDeliveriesOfAMailLogAndMayBeDoneAgain) {
  // An hour ago.
  const std::string head =
      absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now() - absl::Hours(1), absl::UTCTimeZone()),
                   " gw postfix/smtp[1]: 4b: to=<");
  const std::string middle = ">, relay=mx.example.com[198.51.100.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, ";
  const std::string log =
      absl::StrCat(head, "ann@example.com", middle, "status=sent (250 Ok)\n",  //
                   head, "bob@example.com", middle, "status=bounced (host mx.example.com[198.51.100.1] ",
                   "said: 550 5.1.1 No such user (in reply to RCPT TO command))\n",  //
                   head, "cid@example.com>, relay=filter[127.0.0.1]:10024, delay=1, delays=0/0/0/1, ",
                   "dsn=2.0.0, status=sent (250 Ok)\n",  //
                   head, "dan@example.com>, relay=none, delay=1, delays=0/0/0/1, dsn=4.0.0, ", "status=deferred (x)\n",
                   "what is being writ");
  EXPECT_EQ(Run({"learn", "--dry-run", "-"}, log), 0) << err_;
  EXPECT_EQ(out_, "would learn 2 of 3 deliveries in 4 lines\n    1 whose relay is not where a probe would ask\n");
  EXPECT_EQ(Run({"query", "ann@example.com"}), kExitNotCached);
  EXPECT_EQ(Run({"learn"}, log), 0) << err_;
  EXPECT_EQ(out_, "learned 2 of 3 deliveries in 4 lines\n    1 whose relay is not where a probe would ask\n");
  EXPECT_EQ(Run({"show", "ann@example.com"}), 0);
  EXPECT_THAT(out_, HasSubstr("learned from          a mail log\n"));
  EXPECT_EQ(Run({"query", "bob@example.com"}), kExitUndeliverable);
  EXPECT_THAT(out_, HasSubstr("from      a mail log\n"));
  EXPECT_EQ(Run({"--json", "learn"}, log), 0);
  EXPECT_EQ(out_,
            "{\"lines\":4,\"deliveries\":3,\"learned\":0,\"older\":2,\"expired\":0,\"future\":0,\"elsewhere\":1,"
            "\"not_verified\":0,\"uninformative\":0}\n");
  EXPECT_EQ(Run({"learn", directory_ + "/missing"}), kExitNoInput);
}

TEST_F(VerifyctlWithDaemonTest, StatsAndReload) {
  EXPECT_EQ(Run({"stats"}), 0);
  EXPECT_THAT(out_, HasSubstr("\nprobes "));
  EXPECT_EQ(Run({"reload"}), 0);
  EXPECT_EQ(out_, "reloaded\n");
}

TEST_F(VerifyctlWithDaemonTest, AReloadSaidOnlyInTheLogWhatNeedsARestart) {
  loop_.Post([this] { world_.set_wait_for_restart({"milter_listen"}); });
  EXPECT_EQ(Run({"reload"}), 0);
  EXPECT_EQ(out_, "reloaded\nmilter_listen takes effect after a restart only\n");
  loop_.Post([this] { world_.set_wait_for_restart({"milter_listen", "policy_listen"}); });
  EXPECT_EQ(Run({"reload"}), 0);
  EXPECT_EQ(out_, "reloaded\nmilter_listen, policy_listen take effect after a restart only\n");
}

TEST_F(VerifyctlWithDaemonTest, StatusIsACheckOfMonitoring) {
  loop_.Post([this] {
    world_.daemon_status().version = "1.2.3";
    world_.daemon_status().doors = {{.name = "policy", .sockets = {"inet:127.0.0.1:10090"}, .connections = 1}};
  });
  EXPECT_EQ(Run({"status"}), 0);
  EXPECT_THAT(out_, StartsWith("verifyd OK - policy inet:127.0.0.1:10090, "));
  EXPECT_THAT(out_, HasSubstr("\n  version       1.2.3, up for "));
  EXPECT_THAT(out_, HasSubstr("\n  doors         policy inet:127.0.0.1:10090, 1 connection\n"));
  loop_.Post([this] { world_.daemon_status().reload_error = "verifyd.cf:3: unknown setting \"x\""; });
  EXPECT_EQ(Run({"status"}), 1);
  EXPECT_THAT(out_, StartsWith("verifyd WARNING - the last reload failed"));
  loop_.Post([this] { world_.daemon_status().doors.push_back({.name = "milter", .missing = {"in use"}}); });
  EXPECT_EQ(Run({"--json", "status"}), 2);
  EXPECT_THAT(out_, StartsWith("{\"level\":2,\"summary\":\"verifyd CRITICAL - milter is not served: in use; "));
}

TEST_F(VerifyctlWithDaemonTest, AReloadThatIsRefusedIsAConfigurationError) {
  loop_.Post([this] { world_.set_reload_result(absl::InvalidArgumentError("verifyd.cf:3: unknown setting \"x\"")); });
  EXPECT_EQ(Run({"reload"}), kExitConfiguration);
  EXPECT_EQ(err_, "verifyctl: verifyd.cf:3: unknown setting \"x\"\n");
}

TEST_F(VerifyctlWithDaemonTest, TheSocketOfTheCommandLineNeedsNoSettings) {
  WriteSettings("nonsense = 1\n");
  EXPECT_EQ(Run({"-s", directory_ + "/control", "stats"}), 0);
  EXPECT_EQ(err_, "");
}

// Tests without a daemon.

TEST_F(VerifyctlTest, VerifyNeedsTheDaemon) {
  EXPECT_EQ(Run({"verify", "joe@example.com"}), kExitUnavailable);
  EXPECT_THAT(err_, StartsWith("verifyctl: the daemon is not running: " + directory_ + "/control: "));
  EXPECT_EQ(Run({"stats"}), kExitUnavailable);
}

TEST_F(VerifyctlTest, StatusWithoutADaemonIsCritical) {
  EXPECT_EQ(Run({"status"}), 2);
  EXPECT_THAT(out_, StartsWith("verifyd CRITICAL - the daemon is not running: " + directory_ + "/control: "));
  EXPECT_EQ(err_, "");
  EXPECT_EQ(Run({"--json", "status"}), 2);
  EXPECT_THAT(out_, StartsWith("{\"level\":2,\"summary\":\""));
}

TEST_F(VerifyctlTest, WithoutDaemonAndCacheThereIsNothingToLookInto) {
  EXPECT_EQ(Run({"query", "joe@example.com"}), kExitNoInput);
  EXPECT_THAT(err_, HasSubstr("there is no cache " + directory_ + "/data/verify_cache.mdb"));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/data"));
}

TEST_F(VerifyctlTest, LooksIntoTheCacheWhileNoDaemonRuns) {
  {
    Loop loop(Clock::Real());
    CacheSettings settings;
    settings.path = directory_ + "/data/verify_cache";
    const std::unique_ptr<Cache> cache = Cache::Open(loop, settings);
    Record record;
    record.finding.deliverability = Deliverability::kUndeliverable;
    record.finding.reason = Reason::kNoSuchUser;
    record.finding.when = Clock::Real().Now() - absl::Minutes(5);
    cache->PutRecord("gone@example.com", record);
    cache->Flush();
  }
  EXPECT_EQ(Run({"query", "gone@example.com", "new@example.com"}), kExitUndeliverable);
  EXPECT_THAT(out_, HasSubstr("gone@example.com: undeliverable\n"));
  EXPECT_THAT(out_, HasSubstr("new@example.com: not cached\n"));
  EXPECT_THAT(err_, EndsWith("; looking into its cache\n"));
  EXPECT_EQ(Run({"show", "gone@example.com"}), 0);
  EXPECT_EQ(Run({"delete", "gone@example.com"}), 0);
  EXPECT_EQ(Run({"show", "gone@example.com"}), kExitNotCached);
}

TEST_F(VerifyctlTest, ACacheOfSomebodyElseIsLeftAlone) {
  std::filesystem::create_directory(directory_ + "/data");
  const std::string file = directory_ + "/data/verify_cache.mdb";
  std::ofstream(file) << std::string(8192, 'x');
  EXPECT_EQ(Run({"query", "joe@example.com"}), kExitUnavailable);
  EXPECT_THAT(err_, HasSubstr("can not be used"));
  EXPECT_EQ(std::filesystem::file_size(file), 8192U);
}

// Listens, and answers one caller after the other with these bytes.
class Impostor {
 public:
  Impostor(const std::string& path, std::vector<std::string> answers)
      : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
    thread_ = std::thread([this, answers = std::move(answers)] {
      for (const std::string& answer : answers) {
        const int client = accept(fd_, nullptr, nullptr);
        if (client < 0) break;
        char bytes[4096];
        EXPECT_GT(recv(client, bytes, sizeof(bytes), 0), 0);
        EXPECT_EQ(send(client, answer.data(), answer.size(), MSG_NOSIGNAL), static_cast<ssize_t>(answer.size()));
        close(client);
      }
    });
  }
  ~Impostor() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }
  Impostor(const Impostor&) = delete;
  Impostor& operator=(const Impostor&) = delete;

 private:
  const int fd_;
  std::thread thread_;
};

TEST_F(VerifyctlTest, WhatAnswersAndIsNotVerifydIsAProtocolError) {
  const std::vector<std::string> answers = {
      "220 mx.example.com ESMTP\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n",
      "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n",
  };
  for (const std::string& answer : answers) {
    const Impostor impostor(directory_ + "/control", {answer});
    EXPECT_EQ(Run({"stats"}), kExitProtocol) << answer << err_;
    EXPECT_NE(err_, "");
    unlink((directory_ + "/control").c_str());
  }
}

// The socket of a daemon that is stopped: the kernel takes connections in for it, as many as its queue holds.
TEST_F(VerifyctlTest, AFrozenDaemonWasWaitedForWithoutEnd) {
  const std::string path = directory_ + "/control";
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listener, 0), 0);
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/status";
  // The second call finds the queue full.
  for (int call = 0; call < 3; ++call) {
    DaemonAsker daemon(path);
    daemon.set_patience(absl::Milliseconds(20));
    const absl::StatusOr<int> answered = daemon.Ask(request, [](const std::vector<absl::string_view>& /*lines*/) {});
    EXPECT_TRUE(absl::IsUnavailable(answered.status())) << answered.status();
    EXPECT_THAT(answered, FailsWith("the daemon does not answer: " + path + ": nothing within 20ms"));
  }
  ::close(listener);
}

TEST_F(VerifyctlTest, ASocketPathThatIsNoneIsAnError) {
  EXPECT_EQ(Run({"-s", "/" + std::string(200, 'x'), "stats"}), kExitUsage);
}

// Tests of the settings file.

TEST_F(VerifyctlTest, ConfigShowsWhatTheFileSaysAsPostconfDoes) {
  WriteSettings("relay_domains = example.com,\n  example.net\nrelayhost =\n");
  EXPECT_EQ(Run({"config", "-n"}), 0);
  const auto from = [&](int line) { return absl::StrCat("# ", directory_, "/verifyd.cf:", line, "\n"); };
  EXPECT_EQ(out_, absl::StrCat(from(1), "control_socket = ", directory_, "/control\n", from(2),
                               "data_directory = ", directory_, "/data\n", from(4), "myhostname = gateway.example\n",
                               from(5), "relay_domains = example.com, example.net\n", from(7), "relayhost =\n", from(3),
                               "verify_domains = *\n"));
  EXPECT_EQ(Run({"config", "verify_domains", "address_verify_relayhost"}), 0);
  EXPECT_EQ(out_, absl::StrCat("address_verify_relayhost = $relayhost\n", from(3), "verify_domains = *\n"));
  EXPECT_EQ(Run({"config", "-d", "verify_domains"}), 0);
  EXPECT_EQ(out_, "verify_domains = $relay_domains\n");
  EXPECT_EQ(Run({"config"}), 0);
  const std::vector<absl::string_view> lines = absl::StrSplit(out_, '\n', absl::SkipEmpty());
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(), [](absl::string_view line) { return line[0] != '#'; }),
            static_cast<long>(std::size(kSettingTable)));
  EXPECT_EQ(Run({"--json", "config", "relayhost"}), 0);
  EXPECT_EQ(boost::json::parse(out_).at("set"), true);
}

TEST_F(VerifyctlTest, ConfigNamesWhatIsWrongWithTheFile) {
  WriteSettings("relay_domain = example.com\n");
  EXPECT_EQ(Run({"config"}), kExitConfiguration);
  EXPECT_THAT(err_, HasSubstr("verifyd.cf:5: unknown setting \"relay_domain\"; did you mean \"relay_domains\"?"));
  EXPECT_EQ(Run({"config", "-d"}), 0);
  EXPECT_EQ(Run({"config", "nonsense"}), kExitUsage);
  EXPECT_EQ(Run({"-c", directory_ + "/missing.cf", "config"}), kExitUsage) << "-c may be given once";
}

TEST_F(VerifyctlTest, AnOptionThatIsNoneWasAVerbThatWasNotGiven) {
  EXPECT_EQ(Run({"--bogus"}), kExitUsage);
  EXPECT_EQ(err_, "verifyctl: found --bogus, expected a verb; `verifyctl help` shows them\n");
  EXPECT_EQ(Run({"--json"}), kExitUsage);
  EXPECT_EQ(err_, "verifyctl: no verb was given; `verifyctl help` shows them\n");
}

TEST_F(VerifyctlTest, WithoutAControlSocketTheWayToReloadIsSaid) {
  WriteSettings("");
  std::ofstream(directory_ + "/verifyd.cf") << "control_socket =\nmyhostname = gateway.example\n";
  EXPECT_EQ(Run({"reload"}), kExitConfiguration);
  EXPECT_THAT(err_, HasSubstr("control_socket is empty"));
  EXPECT_THAT(err_, HasSubstr("kill -HUP"));
}

TEST_F(VerifyctlTest, WrongUsageIsSaidSo) {
  EXPECT_EQ(Run({}), kExitUsage);
  EXPECT_EQ(Run({"guess", "joe@example.com"}), kExitUsage);
  EXPECT_EQ(Run({"verify"}), kExitUsage);
  EXPECT_EQ(Run({"config", "-d", "-n"}), kExitUsage);
  EXPECT_THAT(err_, Not(HasSubstr("subcommand is required")));
  EXPECT_EQ(Run({"--help"}), 0);
  for (const char* verb : {"verify", "query", "show", "delete", "stats", "config", "reload"}) {
    EXPECT_THAT(out_, HasSubstr(std::string("\n  ") + verb + " "));
  }
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_THAT(out_, StartsWith("verifyctl "));
}

TEST(ExitCodeTest, OfTwoTheWorseCounts) {
  const std::vector<int> worst_first = {kExitBadAddress, kExitUndeliverable, kExitRisky,
                                        kExitUnknown,    kExitNotCached,     kExitDeliverable};
  for (size_t i = 0; i < worst_first.size(); ++i) {
    for (size_t j = i; j < worst_first.size(); ++j) {
      EXPECT_EQ(Worse(worst_first[i], worst_first[j]), worst_first[i]);
      EXPECT_EQ(Worse(worst_first[j], worst_first[i]), worst_first[i]);
    }
  }
}

TEST_F(VerifyctlTest, ClassifySaysOfEachLineWhatItMeans) {
  EXPECT_EQ(Run({"classify"},
                "rcpt\t550 5.1.1 User unknown\n"
                "rcpt\t550-5.1.1 The email account\\n550 5.1.1 does not exist\tgmail-smtp-in.l.google.com\n"
                "banner\t554 5.7.1 Client host blocked using zen.spamhaus.org\n"
                "ehlo\t502 5.5.1 Error: command not implemented\n"
                "starttls\t454 4.7.0 TLS not available\n"
                "mail\t530 5.7.0 Must issue a STARTTLS command first\n"
                "mail\t250 Ok\n"
                "banner\tSSH-2.0-OpenSSH_9.6\n"
                "quit\t221 Bye\n"),
            0);
  const std::vector<std::string> lines = absl::StrSplit(out_, '\n');
  ASSERT_EQ(lines.size(), 10U);
  EXPECT_THAT(lines[0], StartsWith("undeliverable\tno_such_user\taddress\t"));
  EXPECT_THAT(lines[1], StartsWith("undeliverable\tno_such_user\taddress\t"));
  EXPECT_THAT(lines[2], StartsWith("unknown\tblocked_ip\tus\t"));
  EXPECT_THAT(lines[3], StartsWith("continue\t"));
  EXPECT_THAT(lines[4], StartsWith("continue\t"));
  EXPECT_THAT(lines[5], StartsWith("continue\ttls_required\t"));
  EXPECT_THAT(lines[6], StartsWith("continue\tnone\t"));
  EXPECT_THAT(lines[7], StartsWith("unknown\tnot_smtp\tmx\tevent.not_smtp"));
  EXPECT_THAT(lines[8], StartsWith("continue\t"));
}

TEST_F(VerifyctlTest, ClassifyAnswersEveryLineAlsoThoseItCanNotRead) {
  EXPECT_EQ(Run({"classify"}, "rcpt\t250 Ok\nlunch\t250 Ok\nrcpt\n"), kExitBadAddress);
  EXPECT_THAT(out_, HasSubstr("error\tfound stage \"lunch\", expected banner,"));
  EXPECT_THAT(out_, HasSubstr("error\tfound 1 columns"));
  EXPECT_THAT(err_, HasSubstr("line 2: "));
}

TEST_F(VerifyctlTest, ClassifyExplainsWhyTheWinnerWon) {
  EXPECT_EQ(Run({"classify", "--explain"}, "rcpt\t550 5.1.1 User unknown\n"), 0);
  EXPECT_THAT(out_, HasSubstr("# judged as: 550 5.1.1 \"user unknown\""));
  EXPECT_THAT(out_, HasSubstr("# decided by "));
  EXPECT_EQ(Run({"--json", "classify", "--explain"}, "rcpt\t550 5.1.1 User unknown\n"), 0);
  EXPECT_THAT(out_, HasSubstr("\"explanation\":["));
}

TEST_F(VerifyctlTest, ClassifyKnowsTheRecipientThatItIsTold) {
  const std::string line = "rcpt\t550 5.1.1 <x blocked using zen@b.example>: User unknown\n";
  EXPECT_EQ(Run({"classify"}, line), 0);
  EXPECT_THAT(out_, StartsWith("unknown\tblocked_ip\t"));
  EXPECT_EQ(Run({"classify", "--recipient", "\"x blocked using zen\"@b.example"}, line), 0);
  EXPECT_THAT(out_, StartsWith("undeliverable\tno_such_user\t"));
  EXPECT_EQ(Run({"classify", "--recipient", "blocked@b.example", "--explain"}, "rcpt\t550 blocked\n"), 0);
  EXPECT_THAT(out_, StartsWith("unknown\tmailbox_temporary\taddress\taddress.ambiguous\n# judged as: "));
  EXPECT_EQ(Run({"classify", "--recipient", "joe"}, line), kExitBadAddress);
  EXPECT_THAT(err_, HasSubstr("--recipient: byte 3: found the end"));
}

TEST_F(VerifyctlTest, ClassifyTriesARuleFileAndSaysWhereItIsBroken) {
  const std::string rules = directory_ + "/rules";
  std::ofstream(rules) << "verifyd-rules 1\nrule ours\n  text nonsense here\n  stage rcpt\n  reason no_such_luck\n";
  EXPECT_EQ(Run({"classify", "--rules", rules}, "rcpt\t550 x\n"), kExitConfiguration);
  EXPECT_THAT(err_, HasSubstr(rules + ":5:"));
}

}  // namespace
}  // namespace verifyd
