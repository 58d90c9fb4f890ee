/* SPDX-License-Identifier: ISC */
/* The order of elements is that of RFC 9990, Appendix A. */
#include "base/encode.h"
#include "reports/aggregate.h"

#define XML_NAMESPACE "urn:ietf:params:xml:ns:dmarc-2.0"

/* What XML 1.0 §2.2 has no character for, and bytes that are no UTF-8, become U+FFFD. */
static void add_text(struct buf *to, struct slice text) {
    while (text.len > 0) {
        uint32_t c;
        size_t len = utf8_decode(text, &c);
        if (len == 0 || (c < ' ' && !ascii_is_space((char)c)) || c == 0xfffe || c == 0xffff)
            buf_add_str(to, "\xef\xbf\xbd");
        else if (c == '<')
            buf_add_str(to, "&lt;");
        else if (c == '>')
            buf_add_str(to, "&gt;");
        else if (c == '&')
            buf_add_str(to, "&amp;");
        else
            buf_add(to, slice_first(text, len));
        text = slice_from(text, len > 0 ? len : 1);
    }
}

static void add(struct buf *to, const char *name, struct slice text) {
    buf_printf(to, "<%s>", name);
    add_text(to, text);
    buf_printf(to, "</%s>\n", name);
}

static void add_if(struct buf *to, const char *name, struct slice text) {
    if (text.len > 0)
        add(to, name, text);
}

static void add_number(struct buf *to, const char *name, uint64_t number) {
    buf_printf(to, "<%s>%llu</%s>\n", name, (unsigned long long)number, name);
}

static void write_metadata(struct buf *to, const struct aggregate_report *r) {
    buf_add_str(to, "<report_metadata>\n");
    add(to, "org_name", r->organization);
    add(to, "email", r->email);
    add_if(to, "extra_contact_info", r->contact);
    add(to, "report_id", r->id);
    buf_add_str(to, "<date_range>\n");
    add_number(to, "begin", (uint64_t)r->begin);
    add_number(to, "end", (uint64_t)r->end);
    buf_add_str(to, "</date_range>\n");
    add_if(to, "generator", r->generator);
    buf_add_str(to, "</report_metadata>\n");
}

static void write_policy(struct buf *to, const struct aggregate_report *r) {
    buf_add_str(to, "<policy_published>\n");
    add(to, "domain", r->domain);
    add_if(to, "discovery_method", r->discovery);
    add_if(to, "p", r->p);
    add_if(to, "sp", r->sp);
    add_if(to, "np", r->np);
    add_if(to, "fo", r->fo);
    add_if(to, "adkim", r->adkim);
    add_if(to, "aspf", r->aspf);
    add_if(to, "testing", r->testing);
    buf_add_str(to, "</policy_published>\n");
}

static struct slice verdict(bool passed) {
    return passed ? S("pass") : S("fail");
}

/* The schema wants a selector, and a domain of SPF. */
static void write_auth(struct buf *to, const struct aggregate_auth *auth) {
    buf_add_str(to, auth->is_spf ? "<spf>\n" : "<dkim>\n");
    add(to, "domain", auth->domain);
    if (auth->is_spf)
        add(to, "scope", S("mfrom"));
    else
        add(to, "selector", auth->selector);
    add(to, "result", auth->result);
    buf_add_str(to, auth->is_spf ? "</spf>\n" : "</dkim>\n");
}

static void write_row(struct buf *to, const struct aggregate_row *row) {
    buf_add_str(to, "<record>\n<row>\n");
    add(to, "source_ip", row->source);
    add_number(to, "count", row->count);
    buf_add_str(to, "<policy_evaluated>\n");
    add(to, "disposition", slice_of_str(aggregate_disposition_name(row->disposition)));
    add(to, "dkim", verdict(row->dkim));
    add(to, "spf", verdict(row->spf));
    if (row->reason.len > 0) {
        buf_add_str(to, "<reason>\n");
        add(to, "type", row->reason);
        buf_add_str(to, "</reason>\n");
    }
    buf_add_str(to, "</policy_evaluated>\n</row>\n<identifiers>\n");
    add(to, "header_from", row->header_from);
    add_if(to, "envelope_from", row->envelope_from);
    add_if(to, "envelope_to", row->envelope_to);
    buf_add_str(to, "</identifiers>\n<auth_results>\n");
    for (int spf = 0; spf < 2; spf++)
        for (size_t i = 0; i < row->auth_count; i++)
            if (row->auth[i].is_spf == (spf == 1))
                write_auth(to, &row->auth[i]);
    buf_add_str(to, "</auth_results>\n</record>\n");
}

void aggregate_write(struct buf *to, const struct aggregate_report *r) {
    buf_add_str(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                    "<feedback xmlns=\"" XML_NAMESPACE "\">\n<version>1.0</version>\n");
    write_metadata(to, r);
    write_policy(to, r);
    for (const struct aggregate_row *row = r->rows; row; row = row->next)
        write_row(to, row);
    buf_add_str(to, "</feedback>\n");
}
