// SPDX-License-Identifier: Apache-2.0
//
// See documents.h.
#include "cli/usage/definition.h"
#include "cli/usage/documents.h"

#include <fmt/format.h>

namespace ibid::cli::usage {
namespace {

// Escapes text for the page, so that no character begins a request or an escape, and hyphens can be copied.
std::string plain(const std::string& text) {
    std::string out = replaced(replaced(text, "\\", "\\e"), "-", "\\-");
    if (!out.empty() && (out[0] == '.' || out[0] == '\''))
        out.insert(0, "\\&");
    return out;
}

std::string paragraph(const std::string& text) {
    return ".PP\n" + plain(text) + "\n";
}

std::string tagged(const std::string& tag, const std::string& text) {
    return ".TP\n" + tag + "\n" + plain(text) + "\n";
}

std::string bold(const std::string& text) {
    return "\\fB" + plain(text) + "\\fR";
}

std::string italic(const std::string& text) {
    return "\\fI" + plain(text) + "\\fR";
}

std::string tag_of(const option& o) {
    if (o.value.empty())
        return bold(o.name);
    return fmt::format(fmt::runtime(o.value_may_be_left_out ? "{}[={}]" : "{} {}"), bold(o.name),
                       italic(o.value));
}

std::string section_of(const command& c) {
    std::string text = ".SS " + plain(synopsis(c)) + "\n" + plain(c.summary) + ".\n";
    for (const std::string& one : c.description)
        text += paragraph(one);
    for (const operand& o : c.operands)
        text += tagged(italic(o.name), o.help + ".");
    for (const option& o : c.options)
        text += tagged(tag_of(o), o.help + ".");
    if (!c.exit_status.empty())
        text += paragraph("Exit status: " + c.exit_status);
    return text;
}

} // namespace

std::string manual_page(const std::string& version) {
    std::string text = ".\\\" Made from the definition of the command line.\n"
                       ".TH IBID 1 \"\" \"ibid " +
                       plain(version) + "\" \"User Commands\"\n.SH NAME\nibid \\- " + plain(summary()) +
                       "\n.SH SYNOPSIS\n.nf\n";
    for (const command& c : commands())
        text += plain(synopsis(c)) + "\n";
    text += "ibid \\-\\-help\nibid \\-\\-version\n.fi\n.SH DESCRIPTION\n";
    for (const std::string& one : description())
        text += paragraph(one);
    text += paragraph("Inside the program ibid changes no result, fails no call and prints nothing. Where it "
                      "cannot keep that, it does "
                      "nothing.");
    text += ".SH COMMANDS\n";
    for (const command& c : commands())
        text += section_of(c);
    text += ".SH ENVIRONMENT\n";
    for (const variable& v : variables())
        text += tagged(bold(v.name) + "=" + italic(v.values), v.help + ". Default: " + v.unset + ".");
    text +=
        paragraph("An IBID_ variable with another value counts as unset; ibid run and ibid doctor say so.");
    text +=
        ".SH FILES\n" +
        tagged(bold("/etc/ibid.conf"),
               "Settings: lines of NAME=VALUE in the words of the environment, which wins. "
               "Below a line [PROGRAM] they are for that program alone. # begins a comment line.") +
        tagged(bold("/etc/ibid.conf.d/*.conf"), "The same, read afterwards by name; the later one wins.") +
        tagged(bold("/etc/systemd/system/SERVICE.d/ibid.conf"), "Written by ibid enable.") +
        tagged(bold("/etc/default/ibid-exporter"), "Options of the exporter's service.");
    text += ".SH EXIT STATUS\n";
    for (const exit_status& s : exit_statuses())
        text += tagged(bold(std::to_string(s.number)), s.meaning);
    text += ".SH EXAMPLES\n";
    for (const command& c : commands()) {
        for (const example& e : c.examples)
            text += (e.what.empty() ? ".PP\n" : paragraph(e.what + ":")) + ".RS 4\n.nf\n" + plain(e.command) +
                    "\n.fi\n.RE\n";
    }
    return text + ".SH SEE ALSO\n.BR ld.so (8),\n.BR systemd.unit (5)\n";
}

} // namespace ibid::cli::usage
