// A stranger chooses the local part: its words never count as the server's.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "classifier/classifier.h"
#include "classifier/marks.h"
#include "classifier/reason.h"
#include "mail/address.h"

namespace verifyd {
namespace {

Classification JudgeOf(const Address& address, absl::string_view reply, Stage stage = Stage::kRcpt) {
  const absl::StatusOr<Reply> parsed = Reply::Parse(reply);
  EXPECT_TRUE(parsed.ok()) << reply;
  if (!parsed.ok()) return {};
  return Classifier::BuiltIn()->Classify(stage, *parsed, "", Marks{.recipient = &address});
}

Address WithLocal(absl::string_view local) { return *Address::FromUnquoted(absl::StrCat(local, "@our.test")); }

// Returns true if the reply is about the address only, and leaves it unknown.
bool SaysNothing(const Classification& meaning) {
  return meaning.deliverability == Deliverability::kUnknown && meaning.scope == Scope::kAddress;
}

struct Form {
  const char* name;
  const char* local;  // unquoted
  const char* reply;
  Reason reason = Reason::kNoSuchUser;  // kMailboxTemporary: the words may be the server's or the address's
};

constexpr Form kForms[] = {
    {"postfix_blocked", "x blocked using zen.spamhaus.org y",
     "550 5.1.1 <x blocked using zen.spamhaus.org y@our.test>: Recipient address rejected: User unknown in relay "
     "recipient table"},
    {"postfix_connections", "x too many connections y",
     "550 5.1.1 <x too many connections y@our.test>: Recipient address rejected: User unknown in relay recipient "
     "table"},
    {"postfix_relay", "x relay access denied 1",
     "550 5.1.1 <x relay access denied 1@our.test>: Recipient address rejected: User unknown in virtual mailbox table"},
    {"postfix_members", "x members only 1",
     "550 5.1.1 <x members only 1@our.test>: Recipient address rejected: User unknown in local recipient table"},
    {"postfix_rate", "x rate limit exceeded 1",
     "550 5.1.1 <x rate limit exceeded 1@our.test>: Recipient address rejected: User unknown in relay recipient table"},
    {"postfix_grey", "greylisted, try again in 300 seconds",
     "550 5.1.1 <greylisted, try again in 300 seconds@our.test>: Recipient address rejected: User unknown in relay "
     "recipient table"},
    {"postfix_full", "x over quota",
     "550 5.1.1 <x over quota@our.test>: Recipient address rejected: User unknown in relay recipient table"},
    {"postfix_quoted_reply", "x said: 550 5.7.1 relay access denied",
     "550 5.1.1 <x said: 550 5.7.1 relay access denied@our.test>: Recipient address rejected: User unknown in relay "
     "recipient table"},
    {"postfix_accepts", "x said: 250 2.1.5 ok",
     "550 5.1.1 <x said: 250 2.1.5 ok@our.test>: Recipient address rejected: User unknown in relay recipient table"},
    {"at_sign_within", "x@our.test blocked using",
     "550 5.1.1 <x@our.test blocked using@our.test>: Recipient address rejected: User unknown in relay recipient "
     "table"},
    {"bracket_within", "x> blocked using zen",
     "550 5.1.1 <x> blocked using zen@our.test>: Recipient address rejected: User unknown in relay recipient table"},
    {"sendmail_quoted", "x blocked using zen", "550 5.1.1 <\"x blocked using zen\"@our.test>... User unknown"},
    {"sendmail_escaped", "x \"blocked using\" zen",
     "550 5.1.1 <\"x \\\"blocked using\\\" zen\"@our.test>... User unknown"},
    {"backslashes_stripped", "x \"blocked using\" zen", "550 5.1.1 <\"x blocked using zen\"@our.test>... User unknown"},
    {"long_quoted", "\"\"\"\"\"\" xxxxxxxxxxxxxxxxxxxxxxxxxx blocked using zen.spamhaus.org",
     "550 5.1.1 <\"\\\"\\\"\\\"\\\"\\\"\\\" xxxxxxxxxxxxxxxxxxxxxxxxxx blocked using zen.spamhaus.org\"@our.test>... "
     "User unknown"},
    {"percent_encoded", "x blocked using zen",
     "550 5.1.1 User unknown, see http://help.test/?to=%22x%20blocked%20using%20zen%22%40our.test"},
    {"quoted_printable", "x blocked using zen", "550 5.1.1 x=20blocked=20using=20zen@our.test: User unknown"},
    {"xtext", "x blocked using zen", "550 5.1.1 rfc822;x+20blocked+20using+20zen@our.test: User unknown"},
    {"capitals", "x blocked using zen", "550 5.1.1 <X BLOCKED USING ZEN@OUR.TEST>: User unknown"},
    {"blanks_squeezed", "x   blocked   using   zen", "550 5.1.1 <x blocked using zen@our.test>: User unknown"},
    {"wrapped", "x blocked using zen",
     "550-5.1.1 <x blocked\n550 5.1.1 using zen@our.test>: Recipient address rejected: User unknown"},
    {"wrapped_within_a_word", "x blocked using zen",
     "550-5.1.1 <x bloc\n550 5.1.1 ked using zen@our.test>: User unknown"},
    {"cut_with_dots", "x blocked using zen.spamhaus.org", "550 5.1.1 <x blocked using zen...>: User unknown",
     Reason::kMailboxTemporary},
    {"cut_in_brackets", "x blocked using zen.spamhaus.org", "550 5.1.1 <x blocked using z>: User unknown"},
    {"cut_at_the_end", "x blocked using zen.spamhaus.org", "550 5.1.1 User unknown: x blocked using z",
     Reason::kMailboxTemporary},
    {"cut_in_front", "x blocked using zen.spamhaus.org", "550 5.1.1 User unknown: ...cked using zen.spamhaus.org",
     Reason::kMailboxTemporary},
    {"u_label", "x blocked using zen",
     "550 5.1.1 <x blocked using zen@b\xC3\xBC"
     "cher.test>: User unknown"},
    {"a_label", "x blocked using zen", "550 5.1.1 <x blocked using zen@xn--bcher-kva.test>: User unknown"},
    {"bare_ptr", "ptr", "550 Mailbox <ptr> does not exist"},
    {"bare_rate_limit", "rate-limit", "550 User doesn't exist: rate-limit", Reason::kMailboxTemporary},
    {"bare_blocked", "blocked", "550 5.1.1 Unknown user: blocked"},
    {"code_in_front", "5.7.1 x", "550 5.7.1 x: User unknown"},
    {"code_behind", "x (5.7.1)", "550 User unknown: x (5.7.1)"},
    {"own_words", "relay access denied", "550 5.7.1 relay access denied", Reason::kMailboxTemporary},
};

TEST(LocalPartTest, NoFormOfItSpeaksForTheServer) {
  for (const Form& form : kForms) {
    const Classification meaning = JudgeOf(WithLocal(form.local), form.reply);
    EXPECT_TRUE(meaning.reason == form.reason || SaysNothing(meaning))
        << form.name << ": " << ReasonName(meaning.reason) << " by " << meaning.rule;
    if (form.reason == Reason::kNoSuchUser) {
      EXPECT_EQ(meaning.reason, Reason::kNoSuchUser) << form.name << " could be told: " << meaning.rule;
    }
  }
}

TEST(LocalPartTest, AWordThatMayBeTheServersIsJudgedBothWays) {
  // The user is unknown in either reading.
  EXPECT_EQ(
      JudgeOf(WithLocal("user"), "550 5.1.1 <user@our.test>: Recipient address rejected: User unknown in table").reason,
      Reason::kNoSuchUser);
  EXPECT_EQ(JudgeOf(WithLocal("full"), "452 4.2.2 Mailbox full").reason, Reason::kMailboxFull);
  // One reading refuses it, the other defers it.
  EXPECT_TRUE(SaysNothing(JudgeOf(WithLocal("full"), "550 Recipient's mailbox is full, user account inactive")));
  const Classification open = JudgeOf(WithLocal("blocked"), "550 blocked");
  EXPECT_EQ(open.rule, Classifier::kAmbiguous);
  EXPECT_TRUE(SaysNothing(open));
}

TEST(LocalPartTest, AnAmbiguousReplyIsExplained) {
  const Address address = WithLocal("blocked");
  const std::vector<std::string> lines =
      Classifier::BuiltIn()->Explain(Stage::kRcpt, *Reply::Parse("550 blocked"), "", Marks{.recipient = &address});
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](absl::string_view line) { return absl::StartsWith(line, "judged as: "); }),
            2);
  EXPECT_EQ(lines.back(), "the words may be the address's or the server's, and they do not mean the same");
}

TEST(LocalPartTest, WhereTheAddressIsNotKnownAnyAddressIsMarkedAsBefore) {
  EXPECT_EQ(
      Classifier::BuiltIn()
          ->Classify(Stage::kRcpt, *Reply::Parse("550 5.1.1 <greylisted.spf@our.test>: User unknown"), "", Marks{})
          .reason,
      Reason::kNoSuchUser);
}

// The ways in which servers show a local part within a reply.
struct Embedding {
  const char* name;
  std::string (*show)(absl::string_view local);
};

std::string Percent(absl::string_view local) {
  std::string shown;
  for (const char c : local) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      shown += c;
    } else {
      absl::StrAppend(&shown, "%", absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad2));
    }
  }
  return shown;
}

// Eight bytes at least, and whole characters.
absl::string_view Beginning(absl::string_view local, size_t size) {
  size = std::max<size_t>(size, 8);
  while (size < local.size() && (local[size] & 0xC0) == 0x80) ++size;
  return local.substr(0, size);
}

const Embedding kEmbeddings[] = {
    {"unquoted", [](absl::string_view local) { return absl::StrCat("<", local, "@our.test>"); }},
    {"as sent", [](absl::string_view local) { return absl::StrCat("<", WithLocal(local).ToSmtp(), ">"); }},
    {"quoted", [](absl::string_view local) { return absl::StrCat("\"", local, "\""); }},
    {"bare", [](absl::string_view local) { return std::string(local); }},
    {"in brackets", [](absl::string_view local) { return absl::StrCat("<", local, ">"); }},
    {"encoded", [](absl::string_view local) { return absl::StrCat("?to=", Percent(local), "%40our.test"); }},
    {"escaped twice",
     [](absl::string_view local) {
       return absl::StrReplaceAll(WithLocal(local).ToSmtp(), {{"\"", "\\\""}, {"\\", "\\\\"}});
     }},
    {"cut", [](absl::string_view local) { return absl::StrCat(Beginning(local, local.size() * 3 / 4), "..."); }},
    {"cut in brackets",
     [](absl::string_view local) { return absl::StrCat("<", Beginning(local, local.size() / 2), ">"); }},
    {"capitals", [](absl::string_view local) { return absl::StrCat(absl::AsciiStrToUpper(local), "@OUR.TEST"); }},
};

// Longer ones add nothing.
constexpr size_t kLongestTelling = 64;

// Returns local parts made of the words that rules look for: whole examples, single words, and joined words.
std::vector<std::string> TellingLocals() {
  std::set<std::string> locals;
  const auto add = [&](absl::string_view local) {
    local = absl::StripAsciiWhitespace(local.substr(0, kLongestTelling));
    if (Address::FromUnquoted(absl::StrCat(local, "@our.test")).ok()) locals.emplace(local);
  };
  for (const Rule& rule : Classifier::BuiltIn()->rules()) {
    for (const RuleExample& example : rule.examples) {
      const std::string text = absl::StrReplaceAll(example.reply.Text(), {{"\n", " "}});
      add(text);
      add(absl::StrCat("x ", text));
      add(absl::StrCat("x said: ", example.reply.code, " ", text));
    }
    std::string before;
    for (const RuleText& pattern : rule.any) {
      for (const absl::string_view word :
           absl::StrSplit(pattern.text, absl::ByAnyChar(" \\()|[]?*+^$.{},:'\"<>@-_#"), absl::SkipEmpty())) {
        if (word.size() < 3) continue;
        add(word);
        if (!before.empty()) {
          add(absl::StrCat(before, "-", word));
          add(absl::StrCat(before, " ", word));
        }
        before = std::string(word);
      }
    }
  }
  return {locals.begin(), locals.end()};
}

bool NoWorse(const Classification& meaning, const Classification& innocent) {
  if (SaysNothing(meaning) || meaning.reason == innocent.reason) return true;
  return meaning.scope == Scope::kAddress && innocent.scope == Scope::kAddress &&
         meaning.deliverability == innocent.deliverability;
}

TEST(LocalPartTest, NoneTurnsAVerdictForTheWorse) {
  constexpr absl::string_view kInnocent = "janette.doe-example";
  // Each local part meets one reply in kStride, others in turn.
  constexpr size_t kStride = 97;
  const Address innocent = WithLocal(kInnocent);
  const std::vector<std::string> locals = TellingLocals();
  size_t tried = 0;
  size_t reply_number = 0;
  size_t worse = 0;
  for (const Rule& rule : Classifier::BuiltIn()->rules()) {
    const auto example = std::find_if(rule.examples.begin(), rule.examples.end(), [](const RuleExample& of) {
      return of.must_match && of.stage == Stage::kRcpt && of.mx_name.empty();
    });
    if (example == rule.examples.end()) continue;
    ++reply_number;
    for (size_t e = 0; e < std::size(kEmbeddings); ++e) {
      for (const bool behind : {false, true}) {
        const auto embedded = [&](absl::string_view local, const Embedding& embedding) {
          Reply reply = example->reply;
          const std::string shown = embedding.show(local);
          std::string& line = behind ? reply.lines.back() : reply.lines.front();
          absl::string_view text;
          const EnhancedCode code = EnhancedCode::TakeFrom(line, &text);
          line = absl::StrCat(code.ToString(), code.given() ? " " : "", behind ? text : shown, ": ",
                              behind ? shown : text);
          reply.enhanced = EnhancedCode::FoundIn(reply.lines);
          return reply;
        };
        const auto judge = [&](const Address& address, const Embedding& embedding) {
          return Classifier::BuiltIn()->Classify(Stage::kRcpt, embedded(address.local(), embedding), "",
                                                 Marks{.recipient = &address});
        };
        Classification expected = judge(innocent, kEmbeddings[e]);
        // A name that no rule knows may stand where rules expect an address, or a word.
        if (expected.rule == Classifier::kAmbiguous) expected = judge(innocent, kEmbeddings[0]);
        for (size_t i = (reply_number + e + (behind ? 3 : 0)) % kStride; i < locals.size(); i += kStride) {
          const Address address = WithLocal(locals[i]);
          const Classification meaning = judge(address, kEmbeddings[e]);
          ++tried;
          if (NoWorse(meaning, expected) || ++worse > 20) continue;
          ADD_FAILURE() << locals[i] << " " << kEmbeddings[e].name << (behind ? " behind " : " before ")
                        << example->reply.ToLine() << ": " << ReasonName(expected.reason) << " by " << expected.rule
                        << " became " << ReasonName(meaning.reason) << " by " << meaning.rule;
        }
      }
    }
  }
  EXPECT_EQ(worse, 0U);
  EXPECT_GT(tried, 50000U);
  std::cout << locals.size() << " local parts, " << reply_number << " replies, " << tried << " tried\n";
}

}  // namespace
}  // namespace verifyd
