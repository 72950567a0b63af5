// verifyctl as an operator runs it: against a settings file, and against a daemon's control socket.
#ifndef VERIFYD_TESTS_VERIFYCTL_VERIFYCTL_TEST_H_
#define VERIFYD_TESTS_VERIFYCTL_VERIFYCTL_TEST_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "tests/status_matchers.h"
#include "tests/verifyd/api/api_world.h"
#include "verifyctl/command_line.h"
#include "verifyd/http/control.h"

namespace verifyd {

class VerifyctlTest : public testing::Test {
 protected:
  VerifyctlTest() {
    char name[] = "/tmp/verifyctl-test-XXXXXX";
    directory_ = mkdtemp(name);
    WriteSettings("");
  }
  ~VerifyctlTest() override { std::filesystem::remove_all(directory_); }

  void WriteSettings(absl::string_view more) {
    std::ofstream(directory_ + "/verifyd.cf")
        << "control_socket = " << directory_ << "/control\ndata_directory = " << directory_
        << "/data\nverify_domains = *\nmyhostname = gateway.example\n"
        << std::string(more);
  }

  int Run(std::vector<std::string> arguments, const std::string& input = "") {
    std::istringstream in(input);
    return RunFrom(in, std::move(arguments));
  }
  int RunFrom(std::istream& in, std::vector<std::string> arguments) {
    std::ostringstream out;
    std::ostringstream err;
    Console console{in, out, err};
    arguments.insert(arguments.begin(), {"-c", directory_ + "/verifyd.cf"});
    const int code = RunVerifyctl(std::move(arguments), console);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  CapturedLog log_;
  std::string directory_;
  std::string out_;
  std::string err_;
};

// With a daemon: its control socket, served by a thread.
class VerifyctlWithDaemonTest : public VerifyctlTest {
 protected:
  VerifyctlWithDaemonTest() {
    EXPECT_THAT(door_.Listen(directory_ + "/control"), IsOk());
    world_.Hold("joe@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Minutes(5));
    world_.Hold("gone@example.com", Deliverability::kUndeliverable, Reason::kNoSuchUser, absl::Minutes(5));
    thread_ = std::thread([this] { loop_.Run(); });
  }
  ~VerifyctlWithDaemonTest() override {
    loop_.Stop();
    thread_.join();
  }

  // Runs `what` on the loop's thread, and waits for it.
  void Signalled(std::function<void()> what) {
    std::promise<void> done;
    loop_.Post([&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }

  // Returns the refusal's id. To be called on the loop's thread.
  std::string Refuse() {
    world_.record().Configure({.refusal_ids = true});
    Ruling ruling;
    ruling.decision = {.kind = DecisionKind::kReject, .code = 550, .dsn = "5.1.1", .text = "undeliverable address"};
    ruling.restriction = "reject_unverified_recipient";
    ruling.verdict.emplace();
    ruling.verdict->state = VerdictState::kKnown;
    ruling.verdict->finding.reason = Reason::kNoSuchUser;
    ruling.verdict->finding.text = "550 no";
    return world_.record().Take(
        {.protocol_state = "RCPT", .client_address = "192.0.2.7", .recipient = "gone@example.com"}, ruling);
  }

  Loop loop_{Clock::Real()};
  ApiWorld world_{loop_};
  ControlDoor door_{loop_, world_.Context()};
  std::thread thread_;
};

}  // namespace verifyd

#endif  // VERIFYD_TESTS_VERIFYCTL_VERIFYCTL_TEST_H_
