// Marks: what we have said to a server before it replied, and what it may therefore repeat. It is marked in the reply
// before anything is judged, because who may name an address chooses its words.
//
// Thread: any (a value; what it points to must outlive its use).
#ifndef VERIFYD_CLASSIFIER_MARKS_H_
#define VERIFYD_CLASSIFIER_MARKS_H_

#include "mail/address.h"

namespace verifyd {

struct Marks {
  // The address that was asked about; null: none was named yet, or it is not known.
  const Address* recipient = nullptr;
};

}  // namespace verifyd

#endif  // VERIFYD_CLASSIFIER_MARKS_H_
