"""Each rule of the fence taken out, and the case of `fence_cases` or `guard_cases` that notices."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """``text`` of the module of rules is replaced by ``instead``."""

    name: str
    text: str
    instead: str
    noticed_by: str


def _never(name: str, condition: str, noticed_by: str) -> Mutation:
    return Mutation(name, condition, condition.replace("when ", "when false and "), noticed_by)


MUTATIONS = (
    _never("line_of_payroll_type", "when gl.is_payroll_type then 'type'", "payroll_voucher"),
    _never("line_on_pay_account", "when gl.is_pay_line then 'pay_account'", "wages_against_bank"),
    _never("whole_voucher", "when pay_voucher.is_whole and", "no_balancing_line"),
    _never("balancing", "when pay_voucher.header_db_id is not null and gl.is_balancing then 'balancing'", "wages_against_bank"),
    _never("payout", "when payout_voucher.header_db_id is not null and gl.is_balancing then 'payout'",
           "payout_told_by_the_match_group_alone"),
    _never("unreadable_line", "when gl.is_unreadable then 'unreadable'", "no_account"),
    _never("item_of_payroll_type", "when item.is_payroll_type then 'type'", "payroll_voucher"),
    _never("item_in_pay_voucher", "when pay_voucher.header_db_id is not null then 'voucher'", "payout_on_the_net_pay_account"),
    _never("matched_item", "when payroll_match.match_id is not null then 'match_group'", "invoice_settled_by_payroll"),
    _never("unreadable_item", "when item.is_unreadable then 'unreadable'", "no_document_type"),
    _never("item_of_employee", "when item.is_employee then 'employee'", "expense_report_without_pay_account"),
    Mutation("types_read_literally", "coalesce(upper(trim(document_type)) in", "coalesce(document_type in",
             "payroll_type_in_small_letters"),
    Mutation("invoices_not_exempt", "coalesce(account.is_pay and gl.document_type <> '{SUPPLIER_INVOICE}', false)",
             "coalesce(account.is_pay, false)", "supplier_invoice_on_a_pay_account"),
    Mutation("expense_reports_not_exempt", "and any_value(document_type) <> '{EXPENSE_REPORT}' as is_whole", "as is_whole",
             "expense_report_keeps_its_cost"),
    Mutation("pay_lines_taken_for_balance", "not bool_or(is_balancing and not is_pay_line and", "not bool_or(is_balancing and",
             "pay_owed_is_no_balance"),
    Mutation("tax_taken_for_balance", "is_balancing and not is_pay_line and not is_tax", "is_balancing and not is_pay_line",
             "wages_recharged_with_tax"),
    Mutation("one_tax_for_all_charts", "in_ranges(number, TAX_RANGES[chart])", "in_ranges(number, TAX_RANGES['NS4102'])",
             "swedish_tax_return"),
    Mutation("unmatched_taken_for_a_group", "from fence.gl_judged where match_id <> 0 and (is_payroll_type",
             "from fence.gl_judged where (is_payroll_type", "matched_with_nothing"),
    Mutation("pay_lines_do_not_make_a_match", "where match_id <> 0 and (is_payroll_type or is_pay_line)",
             "where match_id <> 0 and is_payroll_type", "item_matched_with_a_pay_line"),
    Mutation("payout_of_invoices", "where not is_payroll_type and document_type <> '{SUPPLIER_INVOICE}'\nunion",
             "where not is_payroll_type\nunion", "invoice_settled_by_payroll"),
    Mutation("payout_told_by_items_alone", "union\nselect owner_db_id, header_db_id from fence.gl_judged\n",
             "union\nselect owner_db_id, header_db_id from (from fence.gl_judged where false)\n", "payout_told_by_its_lines"),
    Mutation("open_items_of_pay_not_followed", "where document_type not in ('{BANK_VOUCHER}', '{EXPENSE_REPORT}');",
             "where false;", "pay_posted_through_an_open_item"),
    Mutation("suppliers_not_known", "or not (ledger_type.is_supplier or coalesce(holder.is_supplier, false)) as", "as",
             "employee_told_by_no_supplier_register"),
    Mutation("register_of_suppliers_not_read", "ledger_type.is_supplier or coalesce(holder.is_supplier, false)",
             "ledger_type.is_supplier", "supplier_told_by_no_ledger_type"),
    Mutation("suppliers_not_asked_for", "bool_or(is_among_suppliers)\n    or coalesce(", "coalesce(",
             "supplier_told_by_no_ledger_type"),
    Mutation("ledger_type_not_read", "ledger_type.is_employee\n", "false\n", "employee_among_the_suppliers"),
    Mutation("register_not_read_for_employees", "or coalesce(holder.is_employee, false)", "", "employee_told_by_the_register"),
    Mutation("register_not_read_for_suppliers", "or coalesce(bool_or(regexp_matches(ledger_type, '{_SUPPLIER_LEDGER}')), false)",
             "", "supplier_told_by_the_register"),
    Mutation("no_header_is_readable", "gl.header_db_id is null or gl.document_type is null", "gl.document_type is null",
             "no_voucher"),
    Mutation("no_type_is_readable", "gl.header_db_id is null or gl.document_type is null", "gl.header_db_id is null",
             "no_document_type"),
    Mutation("no_account_is_readable", "or account.db_id is null as is_unreadable", "as is_unreadable", "no_account"),
    Mutation("flags_not_read", "row[\"cost_wages_salaries\"] is not False", "False", "another_chart"),
    Mutation("balance_sheet_not_read", "is_balancing or row[\"balance_sheet\"] is not False", "is_balancing", "another_chart"),
    Mutation("codes_without_a_number", "if number is None:", "if False:", "account_without_a_number"),
    Mutation("one_chart_for_all", "in_ranges(number, self._settings.payroll_account_ranges[chart])",
             "in_ranges(number, self._settings.payroll_account_ranges['NS4102'])", "swedish_wages"),
    Mutation("guard_without_type", "or upper(trim(\"header.transactionSource.code\")) in (select code from fence.payroll_code)",
             "", "re_typed_line"),
    Mutation("guard_without_pay_account",
             "or (account.is_pay and \"header.transactionSource.code\" <> '{SUPPLIER_INVOICE}')", "",
             "line_moved_to_a_pay_account"),
    Mutation("guard_without_account", "where account.db_id is null\n", "where false\n", "line_on_an_unknown_account"),
    Mutation("guard_without_voucher", "or \"header.dbId\" is null\n", "", "line_without_voucher"),
    Mutation("guard_without_readable_type", "or \"header.transactionSource.code\" is null\n", "", "line_without_type"),
    Mutation("guard_without_ids", "or \"dbId\" in (select db_id from fence.gl_excluded where db_id {{ids}})", "",
             "excluded_line"),
    Mutation("guard_without_census", "or \"dbId\" not in (select db_id from fence.gl where db_id {ids})", "",
             "line_nobody_announced"),
    Mutation("guard_without_pay_vouchers",
             "select header_db_id from fence.pay_voucher where header_db_id {{headers}}\n            union all\n", "",
             "balance_moved_into_a_pay_voucher"),
    Mutation("guard_without_payouts",
             "union all\n            select header_db_id from fence.payout_voucher where header_db_id {{headers}}", "",
             "balance_moved_into_a_payout"),
    Mutation("guard_of_items_without_type",
             "or upper(trim(\"transactionHeader.transactionSource.code\")) in (select code from fence.payroll_code)", "",
             "re_typed_item"),
    Mutation("guard_of_items_without_employees",
             "or regexp_matches(upper(concat_ws(' ', \"ledgerType.code\", \"ledgerType.name\")), '{_EMPLOYEE_LEDGER}')", "",
             "item_of_an_employee"),
    Mutation("guard_of_items_without_ids", "or \"dbId\" in (select db_id from fence.ap_excluded where db_id {{ids}})", "",
             "excluded_item"),
    Mutation("guard_of_items_without_census", "or \"dbId\" not in (select db_id from fence.ap where db_id {{ids}})", "",
             "item_nobody_announced"),
    Mutation("guard_of_items_without_voucher", "where \"transactionHeader.dbId\" is null", "where false", "item_without_voucher"),
    Mutation("guard_of_items_without_readable_type", "or \"transactionHeader.transactionSource.code\" is null\n", "",
             "item_without_type"),
    Mutation("guard_of_items_without_subledger", "or \"subledgerDbId\" is null\n", "", "item_without_subledger"),
    Mutation("guard_of_items_without_suppliers", "\"subledgerDbId\" not in (select db_id from fence.supplier)", "false",
             "item_of_no_supplier"),
    Mutation("guard_of_items_without_pay_vouchers",
             "or \"transactionHeader.dbId\" in (select header_db_id from fence.pay_voucher where header_db_id {{headers}})", "",
             "item_moved_into_a_pay_voucher"),
    Mutation("guard_of_items_without_matches",
             "or (\"matchId\" <> 0 and (\"ownerDbId\", \"matchId\") in (select (owner_db_id, match_id) from fence.payroll_match))",
             "", "item_matched_with_payroll_meanwhile"),
)  # fmt: skip
