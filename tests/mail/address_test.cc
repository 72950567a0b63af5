#include "mail/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/status_matchers.h"

namespace verifyd {
namespace {

using std::string_literals::operator""s;

std::string KeyOf(const absl::StatusOr<Address>& address) {
  return address.ok() ? address->Key() : std::string(address.status().message());
}
std::string Parsed(absl::string_view text) { return KeyOf(Address::Parse(text)); }
std::string Unquoted(absl::string_view text) { return KeyOf(Address::FromUnquoted(text)); }
std::string Domain(absl::string_view text) {
  const absl::StatusOr<std::string> domain = ParseDomain(text);
  return domain.ok() ? *domain : std::string(domain.status().message());
}

TEST(AddressTest, KeepsTheCaseOfTheLocalPartAndLowersTheDomain) {
  const absl::StatusOr<Address> address = Address::Parse("Joe.Doe@Mail.EXAMPLE.com");
  ASSERT_THAT(address, IsOk());
  EXPECT_EQ(address->local(), "Joe.Doe");
  EXPECT_EQ(address->domain(), "mail.example.com");
  EXPECT_EQ(address->Key(), "Joe.Doe@mail.example.com");
  EXPECT_FALSE(address->domain_is_literal());
  EXPECT_FALSE(address->needs_smtputf8());
}

TEST(AddressTest, TakesEveryCharacterOfAnAtom) { EXPECT_EQ(Parsed("!#$%&'*+-/=?^_`{|}~@x"), "!#$%&'*+-/=?^_`{|}~@x"); }

TEST(AddressTest, TakesQuotesOffALocalPartAndPutsThemBackWhereTheyAreNeeded) {
  const struct {
    std::string written, local, smtp;
  } cases[] = {
      {R"("joe"@x.example)", "joe", "joe@x.example"},
      {R"("j\oe"@x.example)", "joe", "joe@x.example"},
      {R"("joe doe"@x.example)", "joe doe", R"("joe doe"@x.example)"},
      {R"("joe@home"@x.example)", "joe@home", R"("joe@home"@x.example)"},
      {R"("a\"b\\c"@x.example)", R"(a"b\c)", R"("a\"b\\c"@x.example)"},
      {R"("joe..doe"@x.example)", "joe..doe", R"("joe..doe"@x.example)"},
      {R"(".joe"@x.example)", ".joe", R"(".joe"@x.example)"},
      {R"("joe."@x.example)", "joe.", R"("joe."@x.example)"},
      {R"(" "@x.example)", " ", R"(" "@x.example)"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Address> address = Address::Parse(c.written);
    ASSERT_THAT(address, IsOk()) << c.written;
    EXPECT_EQ(address->local(), c.local);
    EXPECT_EQ(address->ToSmtp(), c.smtp);
    EXPECT_EQ(Address::FromUnquoted(address->Key()), address) << c.written;
  }
}

TEST(AddressTest, BringsLiteralsIntoCanonicalForm) {
  const struct {
    std::string written, domain, ip;
  } cases[] = {
      {"joe@[192.0.2.1]", "[192.0.2.1]", "192.0.2.1"},
      {"joe@[IPv6:2001:DB8:0:0:0:0:0:1]", "[IPv6:2001:db8::1]", "2001:db8::1"},
      {"joe@[ipv6:2001:db8::0001]", "[IPv6:2001:db8::1]", "2001:db8::1"},
      {"joe@[IPv6:::ffff:192.0.2.1]", "[IPv6:::ffff:192.0.2.1]", "::ffff:192.0.2.1"},
      {"joe@[IPv6:2001:db8:0:1:1:1:1:1]", "[IPv6:2001:db8:0:1:1:1:1:1]", "2001:db8:0:1:1:1:1:1"},
      {"joe@[IPv6:2001:0:0:1:0:0:0:1]", "[IPv6:2001:0:0:1::1]", "2001:0:0:1::1"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Address> address = Address::Parse(c.written);
    ASSERT_THAT(address, IsOk()) << c.written;
    EXPECT_EQ(address->domain(), c.domain);
    EXPECT_EQ(address->literal_ip(), absl::string_view(c.ip));
    EXPECT_TRUE(address->domain_is_literal());
  }
  EXPECT_EQ(Address::Parse("joe@x")->literal_ip(), "");
}

TEST(AddressTest, RefusesWhatIsNoLiteral) {
  EXPECT_EQ(Parsed("joe@[300.0.2.1]"), "byte 5: found \"300.0.2.1\", expected an IPv4 address, as in [192.0.2.1]");
  EXPECT_EQ(Parsed("joe@[192.0.2]"), "byte 5: found \"192.0.2\", expected an IPv4 address, as in [192.0.2.1]");
  EXPECT_EQ(Parsed("joe@[192.0.2.010]"), "byte 5: found \"192.0.2.010\", expected an IPv4 address, as in [192.0.2.1]");
  EXPECT_EQ(Parsed("joe@[]"), "byte 5: found \"\", expected an IPv4 address, as in [192.0.2.1]");
  EXPECT_EQ(Parsed("joe@["), "byte 5: found the end, expected an IPv4 address and \"]\", or \"IPv6:\"");
  EXPECT_EQ(Parsed("joe@[IPv6:2001:::1]"),
            "byte 10: found \"2001:::1\", expected an IPv6 address, as in [IPv6:2001:db8::1]");
  EXPECT_EQ(Parsed("joe@[2001:db8::1]"), "byte 5: found \"2001:db8::1\", expected an IPv4 address, as in [192.0.2.1]");
  EXPECT_EQ(Parsed("joe@[192.0.2.1"), "byte 14: found the end, expected an IPv4 address and \"]\", or \"IPv6:\"");
  EXPECT_EQ(Parsed("joe@[192.0.2.1]x"), "byte 15: found \"x\", expected the end of the address");
  EXPECT_EQ(Parsed("joe@[192.0.2.1\0]"s),
            "byte 14: found octet 0x00, expected an IPv4 address and \"]\", or \"IPv6:\"");
  EXPECT_EQ(Parsed("joe@[IPv6:fe80::1%eth0]"), "byte 17: found \"%\", expected an IPv6 address and \"]\"");
  EXPECT_EQ(Parsed("joe@[tag:x]"), "byte 5: found \"t\", expected an IPv4 address and \"]\", or \"IPv6:\"");
}

TEST(AddressTest, TurnsAnInternationalDomainIntoItsALabels) {
  EXPECT_EQ(Parsed("joe@bücher.example"), "joe@xn--bcher-kva.example");
  EXPECT_EQ(Parsed("joe@BÜCHER.Example"), "joe@xn--bcher-kva.example");
  EXPECT_EQ(Parsed("joe@bu\xCC\x88"
                   "cher.example"),
            "joe@xn--bcher-kva.example");  // not in NFC
  EXPECT_EQ(Parsed("joe@XN--bcher-KVA.example"), "joe@xn--bcher-kva.example");
  EXPECT_EQ(Parsed("joe@fuß.example"), "joe@xn--fu-hia.example");  // not "fuss": non-transitional
  EXPECT_EQ(Parsed("joe@日本語。jp"), "joe@xn--wgv71a119e.jp");
  EXPECT_EQ(Parsed("joe@_spf.bücher.example"), "joe@_spf.xn--bcher-kva.example");
}

TEST(AddressTest, RefusesAnInternationalDomainThatMapsToSomethingElse) {
  EXPECT_THAT(Parsed("joe@℀.example"), testing::StartsWith("byte 4: found \"℀.example\", expected an internationalized "
                                                           "domain name (in A-labels: byte 1: found \"/\""));
  EXPECT_THAT(Parsed("joe@a＠b"), testing::StartsWith("byte 4: found \"a＠b\", expected an internationalized domain"));
  EXPECT_THAT(Parsed("joe@ü-.example"), testing::StartsWith("byte 4: found \"ü-.example\", expected an internat"));
  EXPECT_THAT(Parsed("joe@\xC2\xAD.example"), testing::HasSubstr("expected an internationalized domain name"));
  EXPECT_EQ(Parsed("joe@ü b.example"), "byte 6: found \" \", expected a character of a domain");
  EXPECT_EQ(Parsed("joe@\xFF.example"), "byte 4: found octet 0xFF, expected a character of a domain");
  std::string many = "joe@";
  for (int i = 0; i < 128; ++i) many += "ü";
  EXPECT_EQ(Parsed(many), "byte 4: found a domain of 256 octets, expected at most 255");
}

TEST(AddressTest, NeedsSmtputf8ForTheLocalPartOnly) {
  EXPECT_FALSE(Address::Parse("joe@bücher.example")->needs_smtputf8());
  const absl::StatusOr<Address> address = Address::Parse("jörg@bücher.example");
  ASSERT_THAT(address, IsOk());
  EXPECT_TRUE(address->needs_smtputf8());
  EXPECT_EQ(address->ToSmtp(), "jörg@xn--bcher-kva.example");
  EXPECT_EQ(Parsed("\"jörg x\"@y"), "jörg x@y");
}

TEST(AddressTest, AcceptsTheDomainsOfTheField) {
  EXPECT_EQ(Parsed("joe@localhost"), "joe@localhost");
  EXPECT_EQ(Parsed("joe@my_host.example"), "joe@my_host.example");
  EXPECT_EQ(Parsed("joe@_x.example"), "joe@_x.example");
  EXPECT_EQ(Parsed("joe@3com.example"), "joe@3com.example");
  EXPECT_EQ(Parsed("joe@a--b.example"), "joe@a--b.example");
  EXPECT_EQ(Parsed("joe@example.com."), "joe@example.com");
}

TEST(AddressTest, SaysWhereSomethingIsWrongWhatItIsAndWhatBelongsThere) {
  EXPECT_EQ(Parsed(""), "byte 0: found the end, expected a local part");
  EXPECT_EQ(Parsed("joe"), "byte 3: found the end, expected \"@\" and a domain");
  EXPECT_EQ(Parsed("@example.com"), "byte 0: found \"@\", expected a local part");
  EXPECT_EQ(Parsed("@relay:joe@example.com"), "byte 0: found \"@\", expected a local part");
  EXPECT_EQ(Parsed("<joe@example.com>"), "byte 0: found \"<\", expected a local part");
  EXPECT_EQ(Parsed(".joe@x"), "byte 0: found \".\", expected a local part");
  EXPECT_EQ(Parsed("joe..doe@x"), "byte 4: found \".\", expected a character of a local part that needs no quotes");
  EXPECT_EQ(Parsed("joe.@x"), "byte 4: found \"@\", expected a character of a local part that needs no quotes");
  EXPECT_EQ(Parsed("joe doe@x"), "byte 3: found \" \", expected \"@\", or a character that needs no quotes");
  EXPECT_EQ(Parsed("jo\ne@x"), "byte 2: found octet 0x0A, expected \"@\", or a character that needs no quotes");
  EXPECT_EQ(Parsed("jo\0e@x"s), "byte 2: found octet 0x00, expected \"@\", or a character that needs no quotes");
  EXPECT_EQ(Parsed("j\xC3@x"), "byte 1: found octet 0xC3, expected \"@\", or a character that needs no quotes");
  EXPECT_EQ(Parsed("j\xC2\x85@x"), "byte 1: found octet 0xC2, expected \"@\", or a character that needs no quotes");
  EXPECT_EQ(Parsed("joe@"), "byte 4: found the end, expected a domain");
  EXPECT_EQ(Parsed("joe@."), "byte 4: found \".\", expected a label of a domain");
  EXPECT_EQ(Parsed("joe@x.."), "byte 6: found \".\", expected a label of a domain");
  EXPECT_EQ(Parsed("joe@-x"), "byte 4: found \"-\", expected a letter or digit at the start of a label");
  EXPECT_EQ(Parsed("joe@x-"), "byte 6: found the end, expected a letter or digit at the end of a label");
  EXPECT_EQ(Parsed("joe@x-.y"), "byte 6: found \".\", expected a letter or digit at the end of a label");
  EXPECT_EQ(Parsed("joe@a@b"),
            "byte 5: found \"@\", expected a character of a domain (letter, digit, \"-\", \"_\", \".\")");
  EXPECT_EQ(Parsed(R"("joe@x)"), "byte 6: found the end, expected a closing quote");
  EXPECT_EQ(Parsed(R"("joe\)"), "byte 5: found the end, expected a printable ASCII character behind the backslash");
  EXPECT_EQ(Parsed("\"jo\te\"@x"), "byte 3: found octet 0x09, expected a printable character of UTF-8");
  EXPECT_EQ(Parsed(R"(""@x)"), "byte 1: found \"\"\", expected a local part");
  EXPECT_EQ(Parsed(R"("joe"doe@x)"), "byte 5: found \"d\", expected \"@\", or a character that needs no quotes");
}

TEST(AddressTest, KeepsTheLimitsToTheOctet) {
  // "RCPT TO:<...>" and its line end take at most 512 octets.
  const std::string local498(498, 'a');
  EXPECT_EQ(Parsed(local498 + "@x"), local498 + "@x");
  EXPECT_EQ(Unquoted(local498 + "@x"), local498 + "@x");
  EXPECT_EQ(Parsed("a" + local498 + "@x"), "byte 500: found an address of 501 octets, expected at most 500");
  EXPECT_EQ(Unquoted("a" + local498 + "@x"), "byte 500: found an address of 501 octets, expected at most 500");
  EXPECT_EQ(Unquoted(std::string(2000, 'a') + "@x"), "byte 500: found \"a\", expected \"@\" and a domain");
  // Quotes and backslashes count where SMTP writes them.
  EXPECT_EQ(Unquoted(" " + std::string(495, 'a') + "@x"), " " + std::string(495, 'a') + "@x");
  EXPECT_EQ(Unquoted(" " + std::string(496, 'a') + "@x"),
            "byte 499: found an address of 501 octets, expected at most 500");
  EXPECT_EQ(Unquoted(std::string(248, '"') + "@x"), std::string(248, '"') + "@x");
  EXPECT_THAT(Unquoted(std::string(249, '"') + "@x"),
              testing::EndsWith("an address of 502 octets, expected at most 500"));

  const std::string label63(63, 'b');
  EXPECT_EQ(Parsed("joe@" + label63), "joe@" + label63);
  EXPECT_EQ(Parsed("joe@" + label63 + "c"),
            "byte 67: found \"c\", expected \".\" or the end after at most 63 octets of a label");

  const std::string domain189 = label63 + "." + label63 + "." + std::string(61, 'c');
  EXPECT_EQ(Parsed("joe@" + domain189), "joe@" + domain189);
}

TEST(AddressTest, TakesWhatPostfixPassesOnWithoutItsQuotes) {
  EXPECT_EQ(Unquoted("joe doe@X.example"), "joe doe@x.example");
  EXPECT_EQ(Unquoted("joe@home@x.example"), "joe@home@x.example");
  EXPECT_EQ(Unquoted("\"joe\"@x"), "\"joe\"@x");
  EXPECT_EQ(Unquoted("joe..doe@x"), "joe..doe@x");
  EXPECT_EQ(Unquoted("jörg@bücher.example"), "jörg@xn--bcher-kva.example");
  EXPECT_EQ(Unquoted("joe@[ipv6:::1]"), "joe@[IPv6:::1]");
  EXPECT_EQ(Address::FromUnquoted("\"joe\"@x")->ToSmtp(), R"("\"joe\""@x)");
}

TEST(AddressTest, RefusesWhatPostfixWouldNotPassOn) {
  EXPECT_EQ(Unquoted(""), "byte 0: found the end, expected a local part");
  EXPECT_EQ(Unquoted("postmaster"), "byte 10: found the end, expected \"@\" and a domain");
  EXPECT_EQ(Unquoted("@x"), "byte 0: found \"@\", expected a local part");
  EXPECT_EQ(Unquoted("joe@"), "byte 4: found the end, expected a domain");
  EXPECT_EQ(Unquoted("jo\re@x"), "byte 2: found octet 0x0D, expected a printable character of UTF-8");
  EXPECT_EQ(Unquoted("j\xF6rg@x"), "byte 1: found octet 0xF6, expected a printable character of UTF-8");
  EXPECT_EQ(Unquoted("j\x7F@x"), "byte 1: found octet 0x7F, expected a printable character of UTF-8");
}

TEST(AddressTest, NoTerminalIsTurnedRoundByALocalPart) {
  EXPECT_EQ(Unquoted("j\u202Eoe@x"), "byte 1: found octet 0xE2, expected a printable character of UTF-8");
  EXPECT_EQ(Unquoted("j\u2028oe@x"), "byte 1: found octet 0xE2, expected a printable character of UTF-8");
  EXPECT_EQ(Parsed("j\u200Eoe@x"), "byte 1: found octet 0xE2, expected \"@\", or a character that needs no quotes");
}

TEST(AddressTest, WhatIsNoAddressMayHaveADomain) {
  const auto domain_of = [](absl::string_view text) {
    const absl::StatusOr<Address> address = Address::DomainOf(text);
    return address.ok() ? absl::StrCat(address->local(), "|", address->domain())
                        : std::string(address.status().message());
  };
  EXPECT_EQ(domain_of("j\xF6rg@Our.example."), "|our.example");
  EXPECT_EQ(domain_of("a@b\x01@our.example"), "|our.example");
  EXPECT_EQ(domain_of(std::string(2000, 'x') + "@our.example"), "|our.example");
  EXPECT_EQ(domain_of("@our.example"), "|our.example");
  EXPECT_EQ(domain_of("j\x01@[192.0.2.1]"), "|[192.0.2.1]");
  EXPECT_EQ(domain_of("joe"), "byte 3: found the end, expected \"@\" and a domain");
  EXPECT_EQ(domain_of("joe@our..example"), "byte 8: found \".\", expected a label of a domain");
  EXPECT_EQ(domain_of("joe@our.ex\x01mple"),
            "byte 10: found octet 0x01, expected a character of a domain (letter, digit, \"-\", \"_\", \".\")");
}

TEST(ParseDomainTest, ReturnsOneFormOfADomain) {
  EXPECT_EQ(Domain("EXAMPLE.com."), "example.com");
  EXPECT_EQ(Domain("bücher.example"), "xn--bcher-kva.example");
  EXPECT_EQ(Domain("[192.0.2.1]"),
            "byte 0: found \"[\", expected a character of a domain (letter, digit, \"-\", \"_\", \".\")");
  EXPECT_EQ(Domain(""), "byte 0: found the end, expected a domain");
  std::string domain255;
  for (int i = 0; i < 4; ++i) domain255 += std::string(63, 'd') + ".";
  domain255.pop_back();
  EXPECT_EQ(Domain(domain255), domain255);
  EXPECT_EQ(Domain(domain255 + "."), domain255);
  EXPECT_EQ(Domain(domain255 + ".d"), "byte 255: found \".\", expected the end after at most 255 octets of a domain");
}

}  // namespace
}  // namespace verifyd
