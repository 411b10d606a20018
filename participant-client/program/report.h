// How checks, rounds and submissions look, for people and as JSON.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_PROGRAM_REPORT_H_
#define SEALFOLD_PARTICIPANT_CLIENT_PROGRAM_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "participant-client/client/client.h"
#include "participant-client/policy/check_list.h"
#include "protocol/program/program.h"

namespace sealfold {

// A line for each check, and the caveat if there is one; in JSON {"event": "checks", "of": `of`,
// ...}.
void PrintChecks(const Output& output, const std::string& of, const CheckList& checks);

// Something to know meanwhile; in JSON {"event": "note", ...}.
void PrintNote(const Output& output, const std::string& text);

// The caveat alone, in human mode.
void PrintCaveat(const Output& output, const std::string& caveat);

// "identity" and the first digits of the aggregator's, or that it has none.
std::string ShortIdentity(const CheckedRecord& record);

nlohmann::json RoundJson(const RoundReport& report);
// One line.
std::string RoundLine(const RoundReport& report);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_PROGRAM_REPORT_H_
