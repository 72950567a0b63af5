// Marks: the words that we have said to a server, and that it may repeat in its reply. They are marked in the reply
// before anything is judged, because strangers who name an address choose its words.
//
// Thread: any (a value; the objects it points to must outlive its use).
#ifndef VERIFYD_CLASSIFIER_MARKS_H_
#define VERIFYD_CLASSIFIER_MARKS_H_

#include "mail/address.h"

namespace verifyd {

struct Marks {
  // The address that was asked about; null: none was named yet, or it is unknown.
  const Address* recipient = nullptr;
};

}  // namespace verifyd

#endif  // VERIFYD_CLASSIFIER_MARKS_H_
