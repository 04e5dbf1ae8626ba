from dataclasses import replace

import pytest
from tests.fakes.object_lambda import ACCOUNT, FUNCTION, configuration, read_call

from onread import errors
from onread.metadata.records import ObjectLambdaSettings, RangeHandling
from onread.objectlambda.admission import admit


def found(account_id, name, qualifier):
    return FUNCTION if (account_id, name) == (ACCOUNT, FUNCTION.name) else None


def test_an_admitted_read_has_its_function_and_the_payload():
    admitted = admit(read_call(), found)
    assert (admitted.function, admitted.payload) == (FUNCTION, '{"res-x": "100"}')


@pytest.mark.parametrize("operation", ["GetObject", "HeadObject"])
@pytest.mark.parametrize(
    ("feature", "params"), [("Range", {"Range": "bytes=0-1"}), ("PartNumber", {"PartNumber": 2})]
)
def test_T121_a_range_or_part_needs_the_feature_of_its_own_operation(operation, feature, params):
    transformations = configuration().structure()["TransformationConfigurations"]
    transformations[0]["Actions"] = ["GetObject", "HeadObject"]
    others = [f"{one}-{two}" for one in ("GetObject", "HeadObject") for two in ("Range", "PartNumber")]
    others.remove(f"{operation}-{feature}")
    for allowed, refused in ((others, True), ([f"{operation}-{feature}"], False)):
        call = read_call(
            operation=operation,
            params={"Key": "k", **params},
            configuration=configuration(
                AllowedFeatures=allowed, TransformationConfigurations=transformations
            ),
        )
        if refused:
            with pytest.raises(errors.NotImplemented):
                admit(call, found)
        else:
            assert admit(call, found).function is FUNCTION


@pytest.mark.parametrize("operation", ["GetObject", "HeadObject"])
@pytest.mark.parametrize("params", [{"Range": "bytes=0-1"}, {"PartNumber": 2}])
def test_T121_a_setting_leaves_ranges_and_parts_to_the_function(operation, params):
    transformations = configuration().structure()["TransformationConfigurations"]
    transformations[0]["Actions"] = ["GetObject", "HeadObject"]
    call = read_call(
        operation=operation,
        params={"Key": "k", **params},
        configuration=configuration(TransformationConfigurations=transformations),
    )
    with pytest.raises(errors.NotImplemented):
        admit(call, found)
    settings = ObjectLambdaSettings(range_handling=RangeHandling.FUNCTION)
    assert admit(replace(call, settings=settings), found).function is FUNCTION


def test_a_function_that_does_not_exist_is_not_found():
    with pytest.raises(errors.LambdaNotFound):
        admit(read_call(), lambda account_id, name, qualifier: None)
