// Marks before the text that a verb reads, and files that are no text.
#include "verifyctl/input_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/status_matchers.h"
#include "tests/verifyctl/verifyctl_test.h"
#include "verifyctl/exit_code.h"

namespace verifyd {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(InputTextTest, TheMarkBeforeUtf8IsTakenAndNothingElse) {
  for (const char* text : {"\xEF\xBB\xBFjoe@example.com", "joe@example.com"}) {
    std::istringstream in(text);
    EXPECT_THAT(BeginText(in, "-", "verify"), IsOk());
    std::string line;
    std::getline(in, line);
    EXPECT_EQ(line, "joe@example.com");
  }
  for (const char* text : {"", "\xEF", "\xEF\xBB", "#"}) {
    std::istringstream in(text);
    EXPECT_THAT(BeginText(in, "-", "verify"), IsOk());
    std::string rest;
    std::getline(in, rest);
    EXPECT_EQ(rest, text);
  }
}

TEST(InputTextTest, HowToReadWhatIsCompressedIsSaid) {
  std::istringstream gzip("\x1F\x8B\x08 and so on");
  EXPECT_THAT(BeginText(gzip, "/var/log/mail.log.2.gz", "replay"),
              FailsWith("/var/log/mail.log.2.gz: compressed (gzip), expected text: "
                        "zcat /var/log/mail.log.2.gz | verifyctl replay -"));
  std::istringstream zstd("\x28\xB5\x2F\xFD");
  EXPECT_THAT(BeginText(zstd, "-", "learn"),
              FailsWith("standard input: compressed (zstd), expected text: zstdcat FILE | verifyctl learn -"));
}

class InputTest : public VerifyctlWithDaemonTest {
 protected:
  std::string Written(const std::string& text) {
    const std::string path = directory_ + "/input";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
};

TEST_F(InputTest, AFolderInPlaceOfAFileHungOrAborted) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"replay", "/"},
                                             {"learn", "/"},
                                             {"learn", "--follow", "/"},
                                             {"import", "/"},
                                             {"restore", "/"},
                                             {"classify", "--rules", "/"}}) {
    EXPECT_EQ(Run(arguments), kExitNoInput) << arguments[0];
    EXPECT_EQ(err_, "verifyctl: /: found a folder, expected a file\n");
    EXPECT_EQ(out_, "");
  }
}

TEST_F(InputTest, StandardInputThatCanNotBeReadHungOrAbortedOrWasEmpty) {
  const std::vector<std::vector<std::string>> verbs = {
      {"replay", "-"}, {"learn", "-"}, {"import", "-"}, {"classify"}, {"verify", "-"}};
  for (const std::vector<std::string>& arguments : verbs) {
    std::ifstream folder("/", std::ios::binary);
    EXPECT_EQ(RunFrom(folder, arguments), kExitNoInput) << arguments[0];
    EXPECT_EQ(err_, "verifyctl: standard input: found a folder, expected a file\n");
    std::ifstream memory("/proc/self/mem", std::ios::binary);
    EXPECT_EQ(RunFrom(memory, arguments), kExitOutput) << arguments[0];
    EXPECT_EQ(err_, "verifyctl: standard input: Input/output error\n");
  }
  for (const char* verb : {"replay", "learn", "import"}) {
    EXPECT_EQ(Run({verb, "/proc/self/mem"}), kExitOutput) << verb;
    EXPECT_EQ(err_, "verifyctl: /proc/self/mem: Input/output error\n");
  }
}

TEST_F(InputTest, ADeviceWithoutEndWasReadWithoutEnd) {
  for (const char* verb : {"replay", "learn", "import"}) {
    EXPECT_EQ(Run({verb, "/dev/zero"}), kExitBadAddress) << verb;
    EXPECT_EQ(err_, "verifyctl: /dev/zero: found a zero byte, expected text\n");
  }
  EXPECT_EQ(Run({"classify", "--rules", "/dev/zero"}), kExitNoInput);
  EXPECT_EQ(err_, "verifyctl: /dev/zero: found a pipe or a device, expected a file\n");
}

TEST_F(InputTest, AnEmptyMailLogIsCalledThat) {
  const std::string path = Written("");
  for (const char* verb : {"replay", "learn"}) {
    EXPECT_EQ(Run({verb, path}), 0) << verb;
    EXPECT_EQ(err_, absl::StrCat("verifyctl: ", path, " is empty\n"));
  }
}

TEST_F(InputTest, ACompressedMailLogHadNoDecisions) {
  const std::string path = Written("\x1F\x8B\x08\x01\x02");
  for (const char* verb : {"replay", "learn", "import"}) {
    EXPECT_EQ(Run({verb, path}), kExitBadAddress);
    EXPECT_THAT(err_,
                HasSubstr(absl::StrCat("compressed (gzip), expected text: zcat ", path, " | verifyctl ", verb, " -")));
  }
  EXPECT_EQ(Run({"verify", "-"}, "\x1F\x8B\x08\x01\x02"), kExitBadAddress);
  EXPECT_THAT(err_, HasSubstr("zcat FILE | verifyctl verify -"));
}

TEST_F(InputTest, WhatIsNoMailLogIsCalledThat) {
  const std::string path = Written("one\ntwo\nthree\n");
  for (const char* verb : {"replay", "learn"}) {
    EXPECT_EQ(Run({verb, path}), kExitBadAddress);
    EXPECT_EQ(err_, absl::StrCat("verifyctl: ", path, ": no line of Postfix in 3 lines\n"));
    EXPECT_EQ(out_, "");
  }
  // A log of Postfix that says nothing of recipients is still one, and so is one that has just begun.
  EXPECT_EQ(Run({"replay", "-"}, "Nov 25 20:00:01 gw postfix/smtpd[7]: connect from mx.example[192.0.2.1]\n"), 0);
  EXPECT_EQ(Run({"learn", "-"}, ""), 0);
}

TEST_F(InputTest, AMarkBeforeUtf8WasPartOfTheFirstAddress) {
  EXPECT_EQ(Run({"query", "-"}, "\xEF\xBB\xBFjoe@example.com\r\n"), kExitDeliverable);
  EXPECT_THAT(out_, StartsWith("joe@example.com: deliverable\n"));
  EXPECT_EQ(Run({"show", "-"}, "\xEF\xBB\xBFjoe@example.com\n"), 0);
  EXPECT_EQ(Run({"export", "--format", "csv"}), 0);
  EXPECT_EQ(Run({"import", Written("\xEF\xBB\xBF" + out_)}), 0) << err_;
}

}  // namespace
}  // namespace verifyd
