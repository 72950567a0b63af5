// Files of labelled replies: "id<TAB>stage<TAB>reply<TAB>status<TAB>reason<TAB>mx", the first line names the columns.
#ifndef VERIFYD_TESTS_CLASSIFIER_LABELLED_REPLIES_H_
#define VERIFYD_TESTS_CLASSIFIER_LABELLED_REPLIES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "mail/finding.h"
#include "mail/reply.h"

namespace verifyd {

struct LabelledReply {
  std::string id;
  Stage stage = Stage::kRcpt;
  Reply reply;
  std::string status;
  std::string reason;
  std::string mx_name;
};

struct LabelledReplies {
  std::vector<LabelledReply> rows;
  size_t events = 0;      // rows in braces: no reply
  size_t continued = 0;   // the dialogue goes on: the session's business
  size_t unreadable = 0;  // not a reply at all
};

// Empty when there is no such file.
LabelledReplies ReadLabelledReplies(const std::string& path);

}  // namespace verifyd

#endif  // VERIFYD_TESTS_CLASSIFIER_LABELLED_REPLIES_H_
