"""The examples of the README, letter by letter, for the type checkers; tests/unit runs them."""

from gurney import DICOMObjectLevels, Query, Trolley, open_archive, to_references

archive = open_archive("studies")  # a folder; or a URL that an installed backend opens
found = archive.find_studies(Query(PatientName="doe*", min_study_date="20030101"))
print(len(found), "studies;", found.completeness.value, *found.reasons)

trolley = Trolley(archive, archive)
series = trolley.resolve(found, DICOMObjectLevels.SERIES)  # asks only for what is not known yet
receipt = trolley.download(to_references(series, DICOMObjectLevels.SERIES), "out")
print(receipt.complete, receipt.verified_bytes, "bytes; missing:", receipt.missing)


from gurney import Query, Study, searcher_from


def look_up(query: Query) -> list[Study]:
    return [Study("1.2.840.1")] if query.PatientID == "4711" else []


searcher = searcher_from(look_up)
assert searcher.find_study(Query(PatientID="4711")).uid == "1.2.840.1"
