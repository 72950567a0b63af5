#include "mail/pseudonym.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "mail/address.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

TEST(PseudonymTest, IsTheKeyedHashOfTheAddressAtItsDomain) {
  const Pseudonyms pseudonyms(std::string(32, 'k'));
  // printf 'bob@b.example' | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
  EXPECT_EQ(pseudonyms.Of("bob@b.example"), "#39221879108b47ac0f6dfef092a8ea09@b.example");
  EXPECT_NE(pseudonyms.Of("Bob@b.example"), pseudonyms.Of("bob@b.example"));
  EXPECT_NE(Pseudonyms(std::string(32, 'l')).Of("bob@b.example"), pseudonyms.Of("bob@b.example"));
}

TEST(PseudonymTest, OfAPseudonymIsItself) {
  const Pseudonyms pseudonyms(std::string(32, 'k'));
  const std::string once = pseudonyms.Of("bob@b.example");
  EXPECT_TRUE(IsPseudonym(once));
  EXPECT_EQ(pseudonyms.Of(once), once);
  EXPECT_FALSE(IsPseudonym("bob@b.example"));
  EXPECT_FALSE(IsPseudonym("#0123456789abcdef0123456789abcdeX@b.example"));
  EXPECT_FALSE(IsPseudonym("#0123456789abcdef0123456789abcdef0@b.example"));
}

TEST(PseudonymTest, IsAnAddressByItsForm) {
  const std::string pseudonym = Pseudonyms(std::string(32, 'k')).Of("bob@b.example");
  const absl::StatusOr<Address> address = Address::FromUnquoted(pseudonym);
  ASSERT_THAT(address, IsOk());
  EXPECT_EQ(address->Key(), pseudonym);
}

TEST(PseudonymTest, WhatHasNoLocalPartHasNone) {
  const Pseudonyms pseudonyms(std::string(32, 'k'));
  EXPECT_EQ(pseudonyms.Of("@b.example"), "@b.example");
  EXPECT_EQ(pseudonyms.Of(""), "");
}

class KeyFileTest : public testing::Test {
 protected:
  KeyFileTest() {
    std::string name = testing::TempDir() + "verifyd_key_XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~KeyFileTest() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ / "key"; }

  std::filesystem::path folder_;
};

TEST_F(KeyFileTest, IsMadeOnceForItsOwnerOnly) {
  EXPECT_FALSE(Pseudonyms::Open(path(), false).ok());
  const absl::StatusOr<Pseudonyms> made = Pseudonyms::Open(path(), true);
  ASSERT_THAT(made, IsOk());
  struct stat about {};
  ASSERT_EQ(::stat(path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
  const absl::StatusOr<Pseudonyms> again = Pseudonyms::Open(path(), true);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->Of("bob@b.example"), made->Of("bob@b.example"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(KeyFileTest, ThatOthersMayReadIsRefused) {
  ASSERT_THAT(Pseudonyms::Open(path(), true), IsOk());
  ASSERT_EQ(::chmod(path().c_str(), 0640), 0);
  const absl::StatusOr<Pseudonyms> opened = Pseudonyms::Open(path(), true);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.status().message()), testing::HasSubstr("mode 0640, expected 0600"));
}

TEST_F(KeyFileTest, OfAnotherSizeIsRefused) {
  std::ofstream(path()) << "short";
  ASSERT_EQ(::chmod(path().c_str(), 0600), 0);
  const absl::StatusOr<Pseudonyms> opened = Pseudonyms::Open(path(), true);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.status().message()), testing::HasSubstr("found 5 bytes, expected 32"));
}

}  // namespace
}  // namespace verifyd
