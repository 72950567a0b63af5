#include "verifyd/json/described.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "boost/json.hpp"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Wheel {
  absl::string_view place;
  Sparse<int> worn;
};
BOOST_DESCRIBE_STRUCT(Wheel, (), (place, worn))

struct Engine {
  double litres = 0;
  bool running = false;
};
BOOST_DESCRIBE_STRUCT(Engine, (), (litres, running))

struct Car {
  std::string name;
  Flat<Engine> engine;
  std::optional<uint8_t> seats;
  absl::Time built = absl::InfinitePast();
  std::vector<Wheel> wheels;
  Sparse<std::vector<absl::string_view>> notes;
  std::optional<Wheel> spare;
  Derived<absl::Time> scrapped = absl::InfinitePast();
  std::optional<absl::string_view> owner;
};
BOOST_DESCRIBE_STRUCT(Car, (), (name, engine, seats, built, wheels, notes, spare, scrapped, owner))

json::object Parsed(const char* text) { return json::parse(text).as_object(); }

absl::Status Read(const char* text) {
  Car car;
  const json::object object = Parsed(text);
  return ReadJson(object, car);
}

TEST(DescribedTest, WhatHasNothingToSayIsAbsent) {
  EXPECT_EQ(json::serialize(AsJson(Car())), R"({"litres":0E0,"running":false,"wheels":[]})");
}

TEST(DescribedTest, FieldsStandInTheOrderOfTheDescription) {
  const Car car{.name = "Joe's \"car\"",
                .engine = {{.litres = 1.5, .running = true}},
                .seats = 0,
                .built = absl::UnixEpoch(),
                .wheels = {{.place = "left"}, {.place = "right", .worn = 3}},
                .notes = {{"old"}},
                .spare = Wheel(),
                .scrapped = absl::InfiniteFuture(),
                .owner = ""};
  EXPECT_EQ(json::serialize(AsJson(car)),
            R"({"name":"Joe's \"car\"","litres":1.5E0,"running":true,"seats":0,"built":"1970-01-01T00:00:00Z",)"
            R"("wheels":[{"place":"left"},{"place":"right","worn":3}],"notes":["old"],"spare":{},"owner":""})");
}

TEST(DescribedTest, WhatIsWrittenIsReadBack) {
  const char* const text = R"({"name":"a","litres":2E0,"running":true,"seats":5,"built":"2026-01-31T12:00:00Z",)"
                           R"("wheels":[{"place":"left","worn":1}],"notes":["x","y"],"spare":{"place":"boot"},)"
                           R"("scrapped":"2027-01-31T12:00:00Z","owner":"me"})";
  const json::object object = Parsed(text);
  Car car;
  EXPECT_THAT(ReadJson(object, car), IsOk());
  EXPECT_EQ(json::serialize(AsJson(car)), text);
  EXPECT_THAT(car.notes.value, ElementsAre("x", "y"));
}

TEST(DescribedTest, TheFirstFaultIsNamedWithItsPlace) {
  EXPECT_THAT(Read(R"({"name": 7, "seats": -1})"), FailsWith("\"name\": found 7, expected a text"));
  EXPECT_THAT(Read(R"({"seats": -1})"), FailsWith("\"seats\": found -1, expected a number from 0 to 255"));
  EXPECT_THAT(Read(R"({"seats": 256})"), FailsWith("a number from 0 to 255"));
  EXPECT_THAT(Read(R"({"seats": 2.5})"), FailsWith("a number from 0 to 255"));
  EXPECT_THAT(Read(R"({"seats": 1e300})"), FailsWith("a number from 0 to 255"));
  EXPECT_THAT(Read(R"({"litres": "much"})"), FailsWith("\"litres\": found \"much\", expected a number"));
  EXPECT_THAT(Read(R"({"running": 1})"), FailsWith("\"running\": found 1, expected true or false"));
  EXPECT_THAT(Read(R"({"built": "infinite-future"})"),
              FailsWith("\"built\": found \"infinite-future\", expected a time"));
  EXPECT_THAT(Read(R"({"built": "1969-12-31T23:59:59Z"})"), FailsWith("expected a time"));
  EXPECT_THAT(Read(R"({"wheels": {}})"), FailsWith("\"wheels\": found {}, expected a list"));
  EXPECT_THAT(Read(R"({"wheels": [null]})"), FailsWith("\"wheels\": found null, expected an object"));
  EXPECT_THAT(Read(R"({"wheels": [{"worn": []}]})"), FailsWith("\"wheels\": \"worn\": found []"));
  EXPECT_THAT(Read(R"({"spare": "boot"})"), FailsWith("\"spare\": found \"boot\", expected an object"));
  EXPECT_THAT(Read(R"({"scrapped": false, "colour": "red"})"), IsOk());
}

TEST(DescribedTest, AFieldOfAnotherKindIsAsIfAbsent) {
  const json::object object = Parsed(
      R"({"name": {}, "litres": true, "running": 1, "seats": "many", "built": 7, "wheels": [1, {"place": 2, "worn": 3}, []],
          "notes": ["x", null], "spare": [], "scrapped": "soon", "owner": 1})");
  const auto car = FromJson<Car>(object);
  EXPECT_EQ(json::serialize(AsJson(car)), R"({"litres":0E0,"running":false,"wheels":[{"worn":3}],"notes":["x"]})");
  EXPECT_THAT(FromJson<Car>(json::object()).wheels, IsEmpty());
}

}  // namespace
}  // namespace verifyd
