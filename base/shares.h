// Shares of a number of places that many want: who has them, and who may have one more, so that no stranger takes them
// all from the others.
//
//   - While half of the places are free everybody takes what he wants.
//   - Then one party may have a tenth of all, so that whoever wants thousands leaves some to the others. A party is
//     whatever belongs together: mostly a registrable domain, as anybody makes up as many names below it as he likes.
//   - Where it is for our own (what the operator has named), a party may have half of all: his only domain may be a
//     large one.
//   - The last fifth is for our own alone: strangers together can not take it, however many parties they are.
//   - Of a few places there is nothing to share out.
//
// Thread: one (whoever owns it).
#ifndef VERIFYD_BASE_SHARES_H_
#define VERIFYD_BASE_SHARES_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"

namespace verifyd {

class Shares {
 public:
  // A number that stands for who it is, mostly a hash.
  using Party = uint64_t;

  explicit Shares(size_t places) : places_(places) {}
  void SetPlaces(size_t places) { places_ = places; }

  // Whether the party may have one more place.
  bool MayTake(Party party, bool ours) const {
    if (taken_ >= (ours ? places_ : ForStrangers())) return false;
    if (taken_ < places_ / 2 || places_ < kTooFew) return true;
    return TakenBy(party) < (ours ? places_ / 2 : places_ / 10);
  }
  // Whether anybody at all may who is not ours.
  bool StrangersMayTake() const { return taken_ < ForStrangers(); }
  void Take(Party party) {
    ++taken_;
    ++by_party_[party];
  }
  void GiveBack(Party party) {
    --taken_;
    const auto found = by_party_.find(party);
    if (--found->second == 0) by_party_.erase(found);
  }

  size_t places() const { return places_; }
  size_t taken() const { return taken_; }
  size_t TakenBy(Party party) const {
    const auto found = by_party_.find(party);
    return found == by_party_.end() ? 0 : found->second;
  }

 private:
  static constexpr size_t kTooFew = 10;

  size_t ForStrangers() const { return places_ < kTooFew ? places_ : places_ - places_ / 5; }

  size_t places_;
  size_t taken_ = 0;
  absl::flat_hash_map<Party, size_t> by_party_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_SHARES_H_
