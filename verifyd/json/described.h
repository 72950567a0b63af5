// Structs that know the names of their fields (BOOST_DESCRIBE_STRUCT), written as JSON objects and read back. Whatever
// crosses the control socket is such a struct, so that its names stand in one place, for the daemon and for verifyctl.
//
// A field is a text (absl::string_view, std::string), a number, a flag, an absl::Time (RFC 3339, UTC, whole seconds),
// another such struct, or a std::optional, std::vector or std::variant of these. The order is that of the description.
// A field that has nothing to say is absent: an empty text, an infinite time, an optional without a value. Enumerations
// are shown by their names: a reader that is older than the writer shows a word that it does not know. `Sparse`,
// `Always`, `Derived` and `Flat` below say more of a field.
//
// Texts that were read are views of the JSON, which must outlive them and stay where it is.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYD_JSON_DESCRIBED_H_
#define VERIFYD_VERIFYD_JSON_DESCRIBED_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/describe/class.hpp"
#include "boost/describe/members.hpp"
#include "boost/json.hpp"
#include "boost/mp11/algorithm.hpp"
#include "boost/mp11/list.hpp"

namespace verifyd {

// A field that is its value; the kind says when it is shown and read.
template <typename T>
struct FieldOf {
  FieldOf() = default;
  FieldOf(T of) : value(std::move(of)) {}      // NOLINT(google-explicit-constructor): it is what it holds
  operator const T&() const { return value; }  // NOLINT(google-explicit-constructor)
  T value{};
};

// A number, a flag or a list that is absent where it is zero, false or empty.
template <typename T>
struct Sparse : FieldOf<T> {
  using FieldOf<T>::FieldOf;
};

// A text that is there even if it is empty.
template <typename T>
struct Always : FieldOf<T> {
  using FieldOf<T>::FieldOf;
};

// A value that follows from other fields. It is shown; a strict reader ignores faults in it.
template <typename T>
struct Derived : FieldOf<T> {
  using FieldOf<T>::FieldOf;
};

// A struct whose fields stand in the enclosing object, as if they were the encloser's own.
template <typename T>
struct Flat : T {};

// "2026-01-31T12:00:00Z"; empty for an infinite time, which is none.
std::string ShownTime(absl::Time time);

// Says what stands in the place of the expected value: "found 7, expected a text". `found` may be null: "found none".
std::string FoundInstead(const boost::json::value* found, absl::string_view expected);

namespace described {

template <typename T>
using Fields = boost::describe::describe_members<T, boost::describe::mod_public>;

template <typename T>
concept Struct = boost::describe::has_describe_members<T>::value;
template <typename T>
concept Text = std::is_same_v<T, absl::string_view> || std::is_same_v<T, std::string>;

template <typename T, template <typename...> class Kind>
constexpr bool kIsA = false;
template <template <typename...> class Kind, typename... Of>
constexpr bool kIsA<Kind<Of...>, Kind> = true;

template <typename T>
constexpr bool kHolds = kIsA<T, Sparse> || kIsA<T, Always> || kIsA<T, Derived>;

// How many fields the object has, those of a `Flat` among them.
template <Struct T>
constexpr size_t CountFields();
template <Struct T>
constexpr size_t CountFields(const Flat<T>* /*of*/) {
  return CountFields<T>();
}
template <Struct T>
constexpr size_t CountFields() {
  size_t count = 0;
  boost::mp11::mp_for_each<Fields<T>>([&](auto field) {
    using Field = std::remove_cvref_t<decltype(std::declval<T&>().*field.pointer)>;
    if constexpr (kIsA<Field, Flat>) {
      count += CountFields(static_cast<const Field*>(nullptr));
    } else {
      ++count;
    }
  });
  return count;
}

bool IsSet(absl::Time time);

// `each(name, field)` for every field.
template <Struct T, typename Object, typename Each>
void ForEachField(Object& object, Each each) {
  boost::mp11::mp_for_each<Fields<T>>(
      [&](auto field) { each(boost::json::string_view(field.name), object.*field.pointer); });
}

template <typename T>
bool SaysSomething(const T& field) {
  if constexpr (Text<T>) {
    return !field.empty();
  } else if constexpr (std::is_same_v<T, absl::Time>) {
    return IsSet(field);
  } else if constexpr (kIsA<T, std::optional>) {
    return field.has_value();
  } else if constexpr (kIsA<T, Derived>) {
    return SaysSomething(field.value);
  } else if constexpr (kIsA<T, Sparse> && requires { field.value.empty(); }) {
    return !field.value.empty();
  } else if constexpr (kIsA<T, Sparse>) {
    return field.value != decltype(field.value)();
  } else {
    return true;
  }
}

template <Struct T>
void Put(boost::json::object& object, const T& shown);

// In the value's own storage.
template <typename T>
void Fill(boost::json::value& value, const T& field) {
  if constexpr (kHolds<T>) {
    Fill(value, field.value);
  } else if constexpr (kIsA<T, std::optional>) {
    Fill(value, *field);
  } else if constexpr (kIsA<T, std::variant>) {
    std::visit([&](const auto& one) { Fill(value, one); }, field);
  } else if constexpr (Struct<T>) {
    Put(value.emplace_object(), field);
  } else if constexpr (kIsA<T, std::vector>) {
    boost::json::array& array = value.emplace_array();
    array.reserve(field.size());
    for (const auto& item : field) Fill(array.emplace_back(nullptr), item);
  } else if constexpr (Text<T>) {
    value.emplace_string().assign(field.data(), field.size());
  } else if constexpr (std::is_same_v<T, absl::Time>) {
    Fill(value, ShownTime(field));
  } else if constexpr (std::is_same_v<T, bool>) {
    value.emplace_bool() = field;
  } else if constexpr (std::is_floating_point_v<T>) {
    value.emplace_double() = field;
  } else if constexpr (std::is_unsigned_v<T>) {
    value.emplace_uint64() = field;
  } else {
    value.emplace_int64() = field;
  }
}

template <Struct T>
void Put(boost::json::object& object, const T& shown) {
  ForEachField<T>(shown, [&]<typename F>(boost::json::string_view name, const F& field) {
    if constexpr (kIsA<F, Flat>) {
      Put(object, static_cast<const typename boost::mp11::mp_first<F>&>(field));
    } else if (SaysSomething(field)) {
      Fill(object.emplace(name, nullptr).first->value(), field);
    }
  });
}

// Reads all that can be read, and keeps the first thing that is wrong.
class Reader {
 public:
  template <Struct T>
  void Take(const boost::json::object& object, T& shown) {
    ForEachField<T>(shown, [&]<typename F>(boost::json::string_view name, F& field) {
      if constexpr (kIsA<F, Flat>) {
        Take(object, static_cast<typename boost::mp11::mp_first<F>&>(field));
      } else if (const boost::json::value* const value = object.if_contains(name); value != nullptr) {
        path_.emplace_back(name.data(), name.size());
        Take(*value, field);
        path_.pop_back();
      }
    });
  }
  const absl::Status& status() const { return status_; }

 private:
  // False where the value is of another kind: then the field is as it was.
  template <typename T>
  bool Take(const boost::json::value& value, T& field) {
    if constexpr (kIsA<T, Sparse> || kIsA<T, Always>) {
      return Take(value, field.value);
    } else if constexpr (kIsA<T, Derived>) {
      const absl::Status before = status_;
      const bool taken = Take(value, field.value);
      status_ = before;
      return taken;
    } else if constexpr (kIsA<T, std::optional>) {
      if (Take(value, field.emplace())) return true;
      field.reset();
      return false;
    } else if constexpr (kIsA<T, std::variant>) {
      return TakeVariant(value, field);
    } else if constexpr (kIsA<T, std::vector>) {
      return TakeList(value, field);
    } else if constexpr (Struct<T>) {
      if (!value.is_object()) return Refuse(value, "an object");
      Take(value.get_object(), field);
      return true;
    } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      uint64_t number = 0;
      if (!TakeNumber(value, std::numeric_limits<T>::max(), number)) return false;
      field = static_cast<T>(number);
      return true;
    } else {
      return TakeOne(value, field);
    }
  }

  // The first kind that fits.
  template <typename... T>
  bool TakeVariant(const boost::json::value& value, std::variant<T...>& field) {
    const absl::Status before = status_;
    const auto take = [&](auto one) {
      if (!Take(value, one)) return false;
      field = one;
      status_ = before;
      return true;
    };
    return (take(T()) || ...);
  }

  // Items of another kind are left out.
  template <typename T>
  bool TakeList(const boost::json::value& value, std::vector<T>& list) {
    if (!value.is_array()) return Refuse(value, "a list");
    list.reserve(value.get_array().size());
    for (const boost::json::value& item : value.get_array()) {
      if (!Take(item, list.emplace_back())) list.pop_back();
    }
    return true;
  }

  bool TakeOne(const boost::json::value& value, absl::string_view& text);
  bool TakeOne(const boost::json::value& value, std::string& text);
  bool TakeOne(const boost::json::value& value, absl::Time& time);
  bool TakeOne(const boost::json::value& value, bool& flag);
  bool TakeOne(const boost::json::value& value, double& number);
  bool TakeNumber(const boost::json::value& value, uint64_t most, uint64_t& number);
  bool Refuse(const boost::json::value& found, absl::string_view expected);  // false

  std::vector<absl::string_view> path_;
  absl::Status status_;
};

}  // namespace described

// The object lives in `storage`, which must outlive it.
template <described::Struct T>
boost::json::object AsJson(const T& shown, boost::json::storage_ptr storage = {}) {
  // Room for most; with more than 18 Boost.JSON makes an index of the names.
  constexpr size_t kMostRoom = 18;
  constexpr size_t kFields = described::CountFields<T>();
  boost::json::object object(std::min(kFields, kMostRoom), std::move(storage));
  described::Put(object, shown);
  return object;
}

template <described::Struct T>
std::string JsonLine(const T& shown) {
  return boost::json::serialize(AsJson(shown)) + "\n";
}

// For what others have written: all that can be read is in `shown`, and the first thing that can not is named, with
// where it is, what was found and what was expected.
template <described::Struct T>
absl::Status ReadJson(const boost::json::object& object, T& shown) {
  described::Reader reader;
  reader.Take(object, shown);
  return reader.status();
}

// For what is shown to people: a field that is of another kind is as if absent.
template <described::Struct T>
T FromJson(const boost::json::object& object) {
  T shown;
  described::Reader().Take(object, shown);
  return shown;
}

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_JSON_DESCRIBED_H_
