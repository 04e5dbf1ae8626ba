"""The one hierarchy of service errors: one class a code, named as the code.

Raised wherever the fact is known, rendered once, in ``gateway.pipeline``. ``code`` and ``status``
are class attributes, so the table of errors in the documentation is generated from the classes; only
the error that a function makes up itself (``objectlambda.response``) carries its own.

Source: Amazon S3 API Reference, "Error responses"; AWS Lambda and IAM API references.
"""

from typing import ClassVar


class ServiceError(Exception):
    """An answer that a service gives instead of a result.

    Args:
        message: one sentence for people; says what to do. None: the class's own.
        retry_after_seconds: sent as ``Retry-After`` when given.
        fields: the extra elements that AWS sends beside code and message (``Key="a"``).
    """

    code: str = "InternalError"
    status: int = 500
    message: ClassVar[str] = "We encountered an internal error. Please try again."

    def __init__(
        self, message: str | None = None, *, retry_after_seconds: int | None = None, **fields: str
    ) -> None:
        self.text = message if message is not None else self.message
        self.retry_after_seconds = retry_after_seconds
        self.fields = fields
        super().__init__(self.text)


class S3Error(ServiceError):
    """An error of the S3 family (data plane, s3control): answered as XML."""


class LambdaError(ServiceError):
    """An error of the Lambda API: answered as JSON with ``x-amzn-ErrorType``."""


class IamError(ServiceError):
    """An error of IAM and STS: answered as the Query protocol's XML."""


# Who is asking


class AccessDenied(S3Error):
    code = "AccessDenied"
    status = 403
    message = "Access Denied"


class AuthorizationHeaderMalformed(S3Error):
    code = "AuthorizationHeaderMalformed"
    status = 400
    message = "The authorization header that you provided is not valid."


class AuthorizationQueryParametersError(S3Error):
    code = "AuthorizationQueryParametersError"
    status = 400
    message = "The authorization query parameters that you provided are not valid."


class CredentialsNotSupported(S3Error):
    code = "CredentialsNotSupported"
    status = 400
    message = "This request does not support credentials."


class ExpiredToken(S3Error):
    code = "ExpiredToken"
    status = 400
    message = "The provided token has expired."


class InvalidAccessKeyId(S3Error):
    code = "InvalidAccessKeyId"
    status = 403
    message = "The AWS access key ID that you provided does not exist in our records."


class InvalidSignature(S3Error):
    code = "InvalidSignature"
    status = 400
    message = "The request signature we calculated does not match the signature you provided."


class InvalidToken(S3Error):
    code = "InvalidToken"
    status = 400
    message = "The provided token is malformed or otherwise not valid."


class MissingAuthenticationToken(S3Error):
    code = "MissingAuthenticationToken"
    status = 403
    message = "Missing authentication token."


class MissingSecurityHeader(S3Error):
    code = "MissingSecurityHeader"
    status = 400
    message = "Your request is missing a required header."


class RequestTimeTooSkewed(S3Error):
    code = "RequestTimeTooSkewed"
    status = 403
    message = "The difference between the request time and the server's time is too large."


class SignatureDoesNotMatch(S3Error):
    code = "SignatureDoesNotMatch"
    status = 403
    message = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method."
    )


class UnsupportedSignature(S3Error):
    code = "UnsupportedSignature"
    status = 400
    message = (
        "The provided request is signed with an unsupported STS token version or the "
        "signature version is not supported."
    )


class XAmzContentSHA256Mismatch(S3Error):
    code = "XAmzContentSHA256Mismatch"
    status = 400
    message = "The provided 'x-amz-content-sha256' header does not match what was computed."


# What is named


class AccessPointAlreadyOwnedByYou(S3Error):
    code = "AccessPointAlreadyOwnedByYou"
    status = 409
    message = "An access point with an identical name already exists in your account."


class BucketAlreadyExists(S3Error):
    code = "BucketAlreadyExists"
    status = 409
    message = "The requested bucket name is not available."


class BucketAlreadyOwnedByYou(S3Error):
    code = "BucketAlreadyOwnedByYou"
    status = 409
    message = "Your previous request to create the named bucket succeeded and you already own it."


class BucketHasAccessPointsAttached(S3Error):
    code = "BucketHasAccessPointsAttached"
    status = 400
    message = "The bucket you tried to delete has access points attached. Delete them first."


class BucketNotEmpty(S3Error):
    code = "BucketNotEmpty"
    status = 409
    message = "The bucket you tried to delete is not empty."


class InvalidAccessPoint(S3Error):
    code = "InvalidAccessPoint"
    status = 400
    message = "The specified access point name or account is not valid."


class InvalidAccessPointAliasError(S3Error):
    code = "InvalidAccessPointAliasError"
    status = 400
    message = "The specified access point alias name is not valid."


class InvalidBucketName(S3Error):
    code = "InvalidBucketName"
    status = 400
    message = "The specified bucket is not valid."


class InvalidBucketOwnerAWSAccountID(S3Error):
    code = "InvalidBucketOwnerAWSAccountID"
    status = 400
    message = "The value of the expected bucket owner parameter must be an AWS account ID."


class InvalidHostHeader(S3Error):
    code = "InvalidHostHeader"
    status = 400
    message = "The host headers provided in the request used the incorrect style addressing."


class InvalidURI(S3Error):
    code = "InvalidURI"
    status = 400
    message = "The specified URI couldn't be parsed."


class KeyTooLongError(S3Error):
    code = "KeyTooLongError"
    status = 400
    message = "Your key is too long."


class NoSuchAccessPoint(S3Error):
    code = "NoSuchAccessPoint"
    status = 404
    message = "The specified accesspoint does not exist"


class NoSuchAccessPointPolicy(S3Error):
    code = "NoSuchAccessPointPolicy"
    status = 404
    message = "The specified accesspoint policy does not exist"


class NoSuchBucket(S3Error):
    code = "NoSuchBucket"
    status = 404
    message = "The specified bucket does not exist"


class NoSuchKey(S3Error):
    code = "NoSuchKey"
    status = 404
    message = "The specified key does not exist."


class NoSuchUpload(S3Error):
    code = "NoSuchUpload"
    status = 404
    message = (
        "The specified multipart upload does not exist. The upload ID might not be valid, "
        "or the upload might have been aborted or completed."
    )


class NoSuchVersion(S3Error):
    code = "NoSuchVersion"
    status = 404
    message = "The specified version does not exist."


class TooManyAccessPoints(S3Error):
    code = "TooManyAccessPoints"
    status = 400
    message = "You have attempted to create more access points than are allowed for an account."


# What is set for a bucket, and what is not


class AccessControlListNotSupported(S3Error):
    code = "AccessControlListNotSupported"
    status = 400
    message = "The bucket does not allow ACLs"


class AccessForbidden(S3Error):
    code = "AccessForbidden"
    status = 403
    message = "CORSResponse: CORS is not enabled for this bucket."


class InvalidBucketAclWithObjectOwnership(S3Error):
    code = "InvalidBucketAclWithObjectOwnership"
    status = 400
    message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"


class InvalidTag(S3Error):
    code = "InvalidTag"
    status = 400
    message = "The tag provided was not a valid tag."


class MetadataConfigurationNotFound(S3Error):
    code = "MetadataConfigurationNotFound"
    status = 404
    message = "The metadata configuration was not found"


class NoSuchBucketPolicy(S3Error):
    code = "NoSuchBucketPolicy"
    status = 404
    message = "The bucket policy does not exist"


class NoSuchConfiguration(S3Error):
    code = "NoSuchConfiguration"
    status = 404
    message = "The specified configuration does not exist."


class NoSuchCORSConfiguration(S3Error):
    code = "NoSuchCORSConfiguration"
    status = 404
    message = "The CORS configuration does not exist"


class NoSuchLifecycleConfiguration(S3Error):
    code = "NoSuchLifecycleConfiguration"
    status = 404
    message = "The lifecycle configuration does not exist"


class NoSuchPublicAccessBlockConfiguration(S3Error):
    code = "NoSuchPublicAccessBlockConfiguration"
    status = 404
    message = "The public access block configuration was not found"


class NoSuchTagSet(S3Error):
    code = "NoSuchTagSet"
    status = 404
    message = "The TagSet does not exist"


class NoSuchWebsiteConfiguration(S3Error):
    code = "NoSuchWebsiteConfiguration"
    status = 404
    message = "The specified bucket does not have a website configuration"


class ObjectLockConfigurationNotFoundError(S3Error):
    code = "ObjectLockConfigurationNotFoundError"
    status = 404
    message = "Object Lock configuration does not exist for this bucket"


class OwnershipControlsNotFoundError(S3Error):
    code = "OwnershipControlsNotFoundError"
    status = 404
    message = "The bucket ownership controls were not found"


class ReplicationConfigurationNotFoundError(S3Error):
    code = "ReplicationConfigurationNotFoundError"
    status = 404
    message = "The replication configuration was not found"


# What is asked


class EntityTooLarge(S3Error):
    code = "EntityTooLarge"
    status = 400
    message = "Your proposed upload exceeds the maximum allowed object size."


class EntityTooSmall(S3Error):
    code = "EntityTooSmall"
    status = 400
    message = "Your proposed upload is smaller than the minimum allowed object size."


class BadDigest(S3Error):
    code = "BadDigest"
    status = 400
    message = "The checksum value that you specified did not match what the server received."


class BadRequest(S3Error):
    code = "BadRequest"
    status = 400
    message = "Bad Request"


class ConnectionClosedByRequester(S3Error):
    code = "ConnectionClosedByRequester"
    status = 400
    message = "The connection was closed while reading the WriteGetObjectResponse body."


class IncompleteBody(S3Error):
    code = "IncompleteBody"
    status = 400
    message = "You did not provide the number of bytes specified by the Content-Length HTTP header"


class InvalidArgument(S3Error):
    code = "InvalidArgument"
    status = 400
    message = "Invalid Argument"


class InvalidDigest(S3Error):
    code = "InvalidDigest"
    status = 400
    message = "The Content-MD5 you specified was invalid."


class InvalidHttpMethod(S3Error):
    code = "InvalidHttpMethod"
    status = 400
    message = "The HTTP method of the request is not known."


class InvalidObjectState(S3Error):
    code = "InvalidObjectState"
    status = 403
    message = "The operation is not valid for the current state of the object."


class InvalidPart(S3Error):
    code = "InvalidPart"
    status = 400
    message = (
        "One or more of the specified parts could not be found. The part might not have "
        "been uploaded, or the specified entity tag might not have matched the part's "
        "entity tag."
    )


class InvalidPartOrder(S3Error):
    code = "InvalidPartOrder"
    status = 400
    message = (
        "The list of parts was not in ascending order. The parts list must be specified "
        "in order by part number."
    )


class InvalidPartNumber(S3Error):
    code = "InvalidPartNumber"
    status = 416
    message = "The requested partnumber is not satisfiable"


class InvalidRange(S3Error):
    code = "InvalidRange"
    status = 416
    message = "The requested range is not satisfiable"


class InvalidRequest(S3Error):
    code = "InvalidRequest"
    status = 400
    message = "Invalid Request"


class LoopDetected(S3Error):
    code = "LoopDetected"
    status = 508
    message = "The function would wait for itself."


class MalformedPolicy(S3Error):
    code = "MalformedPolicy"
    status = 400
    message = "This policy contains invalid Json or an invalid element."


class MalformedTrailerError(S3Error):
    code = "MalformedTrailerError"
    status = 400
    message = (
        "The request contained trailing data that was not well-formed or did not conform "
        "to our published schema."
    )


class MalformedXML(S3Error):
    code = "MalformedXML"
    status = 400
    message = "The XML you provided was not well-formed or did not validate against our published schema."


class MaxMessageLengthExceeded(S3Error):
    code = "MaxMessageLengthExceeded"
    status = 400
    message = "Your request was too large."


class MetadataTooLarge(S3Error):
    code = "MetadataTooLarge"
    status = 400
    message = "Your metadata headers exceed the maximum allowed metadata size."


class MethodNotAllowed(S3Error):
    code = "MethodNotAllowed"
    status = 405
    message = "The specified method is not allowed against this resource."


class MissingContentLength(S3Error):
    code = "MissingContentLength"
    status = 411
    message = "You must provide the Content-Length HTTP header."


class NotImplemented(S3Error):
    code = "NotImplemented"
    status = 501
    message = "Operation Not Implemented."


class NotModified(S3Error):
    code = "NotModified"
    status = 304
    message = "Not Modified"


class OperationAborted(S3Error):
    code = "OperationAborted"
    status = 409
    message = (
        "A conflicting conditional operation is currently in progress against this "
        "resource. Please try again."
    )


class PreconditionFailed(S3Error):
    code = "PreconditionFailed"
    status = 412
    message = "At least one of the preconditions you specified did not hold"


class RequestHeaderSectionTooLarge(S3Error):
    code = "RequestHeaderSectionTooLarge"
    status = 400
    message = (
        "The request header and query parameters used to make the request exceed the maximum allowed size."
    )


class RequestTimeout(S3Error):
    code = "RequestTimeout"
    status = 400
    message = (
        "Your socket connection to the server was not read from or written to within the timeout period."
    )


class ResponseInterrupted(S3Error):
    code = "ResponseInterrupted"
    status = 400
    message = "The response of the function was interrupted."


class UnexpectedContent(S3Error):
    code = "UnexpectedContent"
    status = 400
    message = "This request contains unsupported content."


class UnsupportedArgument(S3Error):
    code = "UnsupportedArgument"
    status = 400
    message = "The request contained an unsupported argument."


# Trouble on our side


class InternalError(S3Error):
    code = "InternalError"
    status = 500
    message = "We encountered an internal error. Please try again."


class ServiceUnavailable(S3Error):
    code = "ServiceUnavailable"
    status = 503
    message = "Service is unable to handle request."


class SlowDown(S3Error):
    code = "SlowDown"
    status = 503
    message = "Please reduce your request rate."


# Object Lambda's own


class LambdaInvalidResponse(S3Error):
    code = "LambdaInvalidResponse"
    status = 400
    message = "The function's response is not valid."


class LambdaInvocationFailed(S3Error):
    code = "LambdaInvocationFailed"
    status = 400
    message = "The function could not be invoked."


class LambdaNotFound(S3Error):
    code = "LambdaNotFound"
    status = 404
    message = "The function, version or alias does not exist."


class LambdaPermissionError(S3Error):
    code = "LambdaPermissionError"
    status = 403
    message = "The caller is not authorized to invoke the function."


class LambdaResponseNotReceived(S3Error):
    code = "LambdaResponseNotReceived"
    status = 500
    message = "The Lambda exited without successfully calling WriteGetObjectResponse."


class LambdaRuntimeError(S3Error):
    code = "LambdaRuntimeError"
    status = 500
    message = "The function reported an error."


class LambdaTimeout(S3Error):
    code = "LambdaTimeout"
    status = 500
    message = "The function did not complete its response in time."


class NoTransformationDefined(S3Error):
    code = "NoTransformationDefined"
    status = 404
    message = "No transformation was found for this Object Lambda access point."


class ValidationError(S3Error):
    code = "ValidationError"
    status = 400
    message = "The request is not valid."


class AccessDeniedException(LambdaError):
    code = "AccessDeniedException"
    status = 403
    message = "You are not authorized to perform this operation."


class CodeStorageExceededException(LambdaError):
    code = "CodeStorageExceededException"
    status = 400
    message = "The function's code is too large."


class InvalidParameterValueException(LambdaError):
    code = "InvalidParameterValueException"
    status = 400
    message = "One of the parameters in the request is not valid."


class InvalidRequestContentException(LambdaError):
    code = "InvalidRequestContentException"
    status = 400
    message = "The request body could not be parsed as JSON."


class InvalidRuntimeException(LambdaError):
    code = "InvalidRuntimeException"
    status = 502
    message = "The runtime or runtime version specified is not supported."


class InvalidZipFileException(LambdaError):
    code = "InvalidZipFileException"
    status = 502
    message = "The deployment package could not be unzipped."


class PolicyLengthExceededException(LambdaError):
    code = "PolicyLengthExceededException"
    status = 400
    message = "The permissions policy for the resource is too large."


class PreconditionFailedException(LambdaError):
    code = "PreconditionFailedException"
    status = 412
    message = "The RevisionId provided does not match the latest RevisionId."


class ProvisionedConcurrencyConfigNotFoundException(LambdaError):
    code = "ProvisionedConcurrencyConfigNotFoundException"
    status = 404
    message = "No Provisioned Concurrency Config found for this function"


class RequestTooLargeException(LambdaError):
    code = "RequestTooLargeException"
    status = 413
    message = "The request payload exceeded the Invoke request body JSON input quota."


class RecursiveInvocationException(LambdaError):
    code = "RecursiveInvocationException"
    status = 400
    message = "Lambda has detected that functions invoke each other in a loop."


class ResourceConflictException(LambdaError):
    code = "ResourceConflictException"
    status = 409
    message = "The resource already exists, or another operation is in progress."


class ResourceNotFoundException(LambdaError):
    code = "ResourceNotFoundException"
    status = 404
    message = "The resource specified in the request does not exist."


class ResourceNotReadyException(LambdaError):
    code = "ResourceNotReadyException"
    status = 502
    message = "The function is inactive and its VPC connection is no longer available."


class ServiceException(LambdaError):
    code = "ServiceException"
    status = 500
    message = "The service encountered an internal error."


class TooManyRequestsException(LambdaError):
    code = "TooManyRequestsException"
    status = 429
    message = "The request throughput limit was exceeded."


class UnsupportedMediaTypeException(LambdaError):
    code = "UnsupportedMediaTypeException"
    status = 415
    message = "The content type of the Invoke request body is not JSON."


class DeleteConflict(IamError):
    code = "DeleteConflict"
    status = 409
    message = "The resource has attached subordinate entities. Delete them first."


class EntityAlreadyExists(IamError):
    code = "EntityAlreadyExists"
    status = 409
    message = "The entity already exists."


class InvalidAction(IamError):
    code = "InvalidAction"
    status = 400
    message = "The action or operation requested is not valid."


class InvalidClientTokenId(IamError):
    code = "InvalidClientTokenId"
    status = 403
    message = "The security token included in the request is invalid."


class InvalidInput(IamError):
    code = "InvalidInput"
    status = 400
    message = "The request was rejected because an invalid or out-of-range value was supplied."


class LimitExceeded(IamError):
    code = "LimitExceeded"
    status = 409
    message = "The request would exceed a quota of this account."


class MalformedPolicyDocument(IamError):
    code = "MalformedPolicyDocument"
    status = 400
    message = "The policy document was malformed."


class NoSuchEntity(IamError):
    code = "NoSuchEntity"
    status = 404
    message = "The entity does not exist."


class PackedPolicyTooLarge(IamError):
    code = "PackedPolicyTooLarge"
    status = 400
    message = "The session policies and tags are too large together. Shorten them."
