#include "verifyd/verifier/dialogues.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/verifyd/rooms_test.h"

namespace verifyd {
namespace {

KeptDialogue Said(absl::string_view text) {
  return {absl::UnixEpoch(), {{absl::ZeroDuration(), DialogueLine::Kind::kReceived, std::string(text)}}};
}

TEST(DialoguesTest, TheLastOfAnAddressIsKept) {
  Dialogues dialogues;
  EXPECT_EQ(dialogues.Find("joe@example.com"), nullptr);
  dialogues.Keep("joe@example.com", Said("450 later"));
  dialogues.Keep("joe@example.com", Said("550 no"));
  ASSERT_NE(dialogues.Find("joe@example.com"), nullptr);
  EXPECT_EQ(dialogues.Find("joe@example.com")->lines[0].text, "550 no");
}

TEST(DialoguesTest, TheOldestGoWhereThereAreTooMany) {
  Dialogues dialogues;
  const std::string much(Dialogues::kMostBytes / 4, 'x');
  for (int i = 0; i < 5; ++i) {
    dialogues.Keep(absl::StrCat("user", i, "@example.com"), Said(much));
    dialogues.Keep("again@example.com", Said("550 no"));
  }
  EXPECT_EQ(dialogues.Find("user1@example.com"), nullptr);
  EXPECT_NE(dialogues.Find("user4@example.com"), nullptr);
  EXPECT_NE(dialogues.Find("again@example.com"), nullptr);
  dialogues.Keep("huge@example.com", Said(std::string(2 * Dialogues::kMostBytes, 'x')));
  EXPECT_EQ(dialogues.Find("huge@example.com"), nullptr);
}

class DialogueOfAProbeTest : public RoomsTest {
 protected:
  Verdict Ask(absl::string_view address, bool dialogue) {
    Question question;
    question.address = *Address::Parse(address);
    question.patience = absl::Minutes(1);
    question.dialogue = dialogue;
    Verdict verdict;
    test_.loop().Spawn([](Verifier& verifier, Question question, Verdict& out) -> boost::asio::awaitable<void> {
      out = co_await verifier.Verify(std::move(question));
    }(verifier_, std::move(question), verdict));
    test_.RunUntilIdle();
    return verdict;
  }
};

TEST_F(DialogueOfAProbeTest, IsKeptWhereAnIdMayLeadToItAndShownToWhoAskedForIt) {
  AddServer("example.com", "rcpt=550 5.1.1 no such user");
  ConfigureRooms({{"verify_domains", "example.com"}, {"refusal_id", "yes"}});
  EXPECT_TRUE(Ask("gone@example.com", false).dialogue.empty());
  const KeptDialogue* const dialogue = verifier_.dialogues().Find("gone@example.com");
  ASSERT_NE(dialogue, nullptr);
  EXPECT_EQ(dialogue->ended, test_.clock().Now());
  bool heard = false;
  for (const DialogueLine& line : dialogue->lines) heard = heard || line.text == "550 5.1.1 no such user";
  EXPECT_TRUE(heard);
  EXPECT_FALSE(Ask("other@example.com", true).dialogue.empty());
}

TEST_F(DialogueOfAProbeTest, IsNotKeptWithoutIds) {
  AddServer("example.com", "rcpt=550 5.1.1 no such user");
  ConfigureRooms({{"verify_domains", "example.com"}});
  Ask("gone@example.com", false);
  EXPECT_EQ(verifier_.dialogues().Find("gone@example.com"), nullptr);
}

}  // namespace
}  // namespace verifyd
